/**
 * A server that is started as a process: one for each session, as a client that starts it itself would have it. A session
 * lives in the process of ours that began it; elsewhere it is unknown, and its client begins another.
 */
import { serverMessage } from '../json-rpc/message.js';
import type { ChildCommand } from './child-process.js';
import { ChildSession } from './child-session.js';
import { Places, type Place } from './places.js';
import { UpstreamError, type Upstream, type UpstreamRequest, type UpstreamResponse } from './upstream.js';

export interface StdioUpstreamOptions extends ChildCommand {
  readonly mostSessions: number;
  /** A session that nobody has used for so long ends. */
  readonly idleMs: number;
  /** Of the processes of all servers together. */
  readonly places: Places;
}

export class StdioUpstream implements Upstream {
  readonly #options: StdioUpstreamOptions;
  readonly #sessions = new Map<string, ChildSession>();
  /** Whose processes are not gone yet. */
  readonly #leaving = new Set<ChildSession>();
  readonly #places: Places;
  readonly #sweep: NodeJS.Timeout;
  #closed = false;

  constructor(options: StdioUpstreamOptions) {
    this.#options = options;
    this.#places = new Places(options.mostSessions);
    this.#sweep = setInterval(() => this.#endIdle(), Math.min(options.idleMs, 60_000) / 2);
    this.#sweep.unref();
  }

  async send(request: UpstreamRequest): Promise<UpstreamResponse> {
    const id = request.headers['mcp-session-id'];
    if (id !== undefined) {
      const session = this.#sessions.get(id);
      return session === undefined ? refused(404, -32_001, 'Session not found') : session.send(request);
    }
    // A process speaks with one client, from `initialize` on; none is started for what would only be refused.
    if (!begins(request)) return refused(400, -32_000, 'Bad Request: Server not initialized');
    const session = await this.#begin(request.tenant);
    const response = await session.send(request);
    // Whoever leaves before his session has begun does not know its name, and nobody else ever will.
    const leave = (): void => {
      if (!session.hasAnswered) void session.close();
    };
    if (request.signal.aborted) leave();
    else request.signal.addEventListener('abort', leave, { once: true });
    // No `initialize`, or one that the process's face refuses.
    if (response.headers['mcp-session-id'] === undefined) await session.close();
    return response;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    await Promise.all([...this.#sessions.values(), ...this.#leaving].map((session) => session.close()));
  }

  async #begin(tenant: string): Promise<ChildSession> {
    if (this.#closed) throw new UpstreamError('upstream_stopped', 'This process is shutting down.');
    const taken: Place[] = [];
    const leave = (): void => taken.forEach((place) => place.leave());
    try {
      for (const places of [this.#places, this.#options.places]) taken.push(places.take(tenant));
      const session = await ChildSession.start(this.#options, (ended) => {
        this.#sessions.delete(ended.id);
        this.#leaving.add(ended);
        leave();
        void ended.close().then(() => this.#leaving.delete(ended));
      });
      // Whoever ended all sessions while this one began did not see it.
      if (this.#closed) {
        await session.close();
        throw new UpstreamError('upstream_stopped', 'This process is shutting down.');
      }
      this.#sessions.set(session.id, session);
      for (const place of taken) place.occupy(session);
      return session;
    } catch (error) {
      leave();
      throw error;
    }
  }

  #endIdle(): void {
    const before = performance.now() - this.#options.idleMs;
    for (const session of this.#sessions.values()) {
      if (!session.busy && session.usedAt < before) void session.close();
    }
  }
}

function begins({ method, body }: UpstreamRequest): boolean {
  return method === 'POST' && body !== null && serverMessage(body.toString())?.['method'] === 'initialize';
}

/** As the official servers say it. */
function refused(status: number, code: number, message: string): UpstreamResponse {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', error: { code, message }, id: null }));
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: (async function* () {
      yield body;
    })(),
  };
}
