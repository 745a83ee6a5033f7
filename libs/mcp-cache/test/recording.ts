/** Everything that a client of a server can ask, and everything that it is told, in a form that two ways to it can be compared by. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { setTimeout as pause } from 'node:timers/promises';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  ResultSchema,
  type CallToolRequest,
  type GetPromptRequest,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';

export interface Recorded {
  readonly what: string;
  readonly answer: unknown;
}

export interface Script {
  readonly tools: readonly CallToolRequest['params'][];
  readonly prompts: readonly GetPromptRequest['params'][];
  readonly resources: readonly string[];
  /** The server asks for the roots of its client as soon as they know one another. */
  readonly asksForRoots: boolean;
}

const CAPABILITIES = { sampling: {}, elicitation: {}, roots: { listChanged: true } };

/** Twice each, so that the second can come from the cache. */
export async function record(
  transport: Transport,
  { tools, prompts, resources, asksForRoots }: Script,
): Promise<Recorded[]> {
  const recorded: Recorded[] = [];
  const note = (what: string, answer: unknown): void => void recorded.push({ what, answer: comparable(answer) });
  /** Each once: a server that can be resumed repeats its questions, and how often and when is a matter of timing. */
  const askedBack = new Set<string>();
  const noteOnce = (what: string, answer: unknown): void =>
    void askedBack.add(JSON.stringify([what, comparable(answer)]));
  const client = new Client({ name: 'recorder', version: '1' }, { capabilities: CAPABILITIES });
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    noteOnce('sampling', params);
    return { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } };
  });
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    noteOnce('elicitation', params);
    return { action: 'decline' };
  });
  const askedForRoots = Promise.withResolvers<void>();
  client.setRequestHandler(ListRootsRequestSchema, () => {
    askedForRoots.resolve();
    return { roots: [{ uri: 'file:///tmp', name: 'tmp' }] };
  });
  await client.connect(transport);
  note('server', [client.getServerVersion(), client.getServerCapabilities(), client.getInstructions()]);
  const ask = async (what: string, asking: () => Promise<unknown>): Promise<void> => {
    for (const time of ['first', 'again']) {
      note(`${what}, ${time}`, await asking().catch((error: unknown) => ({ failed: String(error) })));
    }
  };
  // What a server only offers to a client that it has asked about its roots is there a moment later. The question may be lost where
  // nobody listens yet, and is asked again when it is needed.
  if (asksForRoots) await Promise.race([askedForRoots.promise, pause(5000)]);
  await pause(500);
  const capabilities = client.getServerCapabilities() ?? {};
  await ask('ping', () => client.ping());
  let listed: Tool[] = [];
  await ask('tools/list', async () => {
    const found = await client.listTools();
    listed = found.tools;
    return found;
  });
  if (capabilities.prompts !== undefined) await ask('prompts/list', () => client.listPrompts());
  if (capabilities.resources !== undefined) {
    await ask('resources/list', () => client.listResources());
    await ask('resources/templates/list', () => client.listResourceTemplates());
  }
  for (const params of prompts) await ask(`prompts/get ${JSON.stringify(params)}`, () => client.getPrompt(params));
  for (const uri of resources) await ask(`resources/read ${uri}`, () => client.readResource({ uri }));
  if (capabilities.resources?.subscribe === true && resources[0] !== undefined) {
    const [uri] = resources;
    await ask('resources/subscribe', () => client.subscribeResource({ uri }));
    await ask('resources/unsubscribe', () => client.unsubscribeResource({ uri }));
  }
  if (capabilities.logging !== undefined) await ask('logging/setLevel', () => client.setLoggingLevel('emergency'));
  if (capabilities.completions !== undefined && prompts[0] !== undefined) {
    const ref = { type: 'ref/prompt' as const, name: prompts[0].name };
    await ask('completion/complete', () => client.complete({ ref, argument: { name: 'department', value: 'E' } }));
  }
  await ask('unknown method', () => client.request({ method: 'no/such' }, ResultSchema));
  const asked = new Set(tools.map(({ name }) => name));
  const unasked = listed.map(({ name }) => name).filter((name) => !asked.has(name));
  note('tools that nobody calls', unasked);
  for (const params of tools) {
    await ask(`tools/call ${JSON.stringify(params)}`, async () => {
      const progress = new Set<number>();
      const result = await client.callTool(params, undefined, {
        // The last one may come with the answer itself, and is then told or not, as the client's own timing has it.
        onprogress: (told) => void (told.progress === told.total || progress.add(told.progress)),
      });
      return { result, progress: [...progress] };
    });
  }
  await ask('cancelled', async () => {
    const leave = new AbortController();
    const call = client.callTool(tools[0] as CallToolRequest['params'], undefined, { signal: leave.signal });
    leave.abort('enough');
    return call;
  });
  note('asked back', [...askedBack].toSorted());
  await client.close();
  return recorded;
}

/** Without ids and times. */
export function comparable(value: unknown): unknown {
  const text = JSON.stringify(value ?? null)
    // What the server of everything packs the time into.
    .replaceAll(/[\w+/]{60,}={0,2}/g, (packed) => {
      const plain = Buffer.from(packed, 'base64').toString();
      return plain.includes('created at') ? plain : packed;
    })
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, 'UUID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, 'TIME')
    .replaceAll(/\d{1,2}:\d\d:\d\d(?: [AP]M)?/g, 'TIME');
  return JSON.parse(text);
}
