/** Servers whose every result says for whom it was made, and what was said of sharing it. */
import { Upstreams } from '../../src/upstream/upstreams.js';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '../../src/upstream/upstream.js';

/** Who asks: `_meta` carries it to the server, and is no part of what is asked. */
export interface Asker {
  readonly tenant: string;
  readonly key: string;
  /** Null: without one. */
  readonly session: string | null;
}

export interface Mark extends Asker {
  readonly said: 'public' | 'private' | null;
}

const SCOPES = ['public', 'private', null] as const;
const TTLS = [undefined, 0, 1000, 60_000];

interface Message {
  readonly id: unknown;
  readonly method: string;
  readonly params: { readonly _meta?: { readonly asker?: Asker }; readonly protocolVersion?: string };
}

/** In place of servers: answers in this process, a little later, and never twice in the same way. */
export class MarkingUpstreams extends Upstreams {
  asked = 0;
  readonly #random: () => number;

  constructor(random: () => number) {
    super();
    this.#random = random;
  }

  override of(): Upstream {
    return { send: (request) => this.#send(request), close: async () => undefined };
  }

  async #send({ body }: UpstreamRequest): Promise<UpstreamResponse> {
    const message = JSON.parse(String(body)) as Message;
    this.asked += 1;
    // So that others ask the same meanwhile.
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns -= 1) await new Promise(setImmediate);
    const text = JSON.stringify({ jsonrpc: '2.0', id: message.id, result: this.#resultOf(message) });
    const events = this.#random() < 0.1;
    const bytes = Buffer.from(events ? `event: message\ndata: ${text}\n\n` : text);
    return {
      status: 200,
      headers: { 'content-type': events ? 'text/event-stream' : 'application/json' },
      body: (async function* () {
        yield bytes;
      })(),
    };
  }

  #resultOf({ method, params }: Message): object {
    if (method === 'initialize') {
      const capabilities = { tools: {}, prompts: {}, resources: {} };
      return { protocolVersion: params.protocolVersion, capabilities, serverInfo: { name: 'marking', version: '1' } };
    }
    const said = this.#oneOf(SCOPES);
    const mark = JSON.stringify({ ...(params._meta?.asker as Asker), said } satisfies Mark);
    const hints = { ttlMs: this.#oneOf(TTLS), ...(said === null ? {} : { cacheScope: said }) };
    const content = { type: 'text', text: mark };
    if (method === 'tools/list') {
      const tools = ['find', 'write'].map((name) => ({
        name,
        description: mark,
        inputSchema: { type: 'object' },
        annotations: { readOnlyHint: name === 'find' },
      }));
      return { tools, ...hints };
    }
    const bodies: Readonly<Record<string, object>> = {
      'server/discover': { instructions: mark, supportedVersions: [], capabilities: {} },
      'prompts/list': { prompts: [{ name: 'p', description: mark }] },
      'resources/list': { resources: [{ uri: 'a:1', name: mark }] },
      'resources/read': { contents: [{ uri: 'a:1', text: mark }] },
      'prompts/get': { messages: [{ role: 'user', content }] },
      'tools/call': { content: [content], _meta: this.#random() < 0.2 ? { tokens_used: 7 } : {} },
    };
    return { ...bodies[method], ...hints };
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)] as T;
  }
}

/** The mark of a result, wherever in it it stands. */
export function markIn(answer: string): Mark | null {
  const [found] = /\{\\"tenant\\".*?\}/.exec(answer) ?? [];
  return found === undefined ? null : (JSON.parse(found.replaceAll('\\"', '"')) as Mark);
}
