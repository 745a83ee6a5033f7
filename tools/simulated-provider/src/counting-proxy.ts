/**
 * A proxy that counts what reaches an upstream: requests, statuses, tokens. It is the independent witness against which
 * the ledger is checked, so it shares no code with it and trusts only the bytes that pass.
 *
 * `GET /__counts` answers with the totals, `GET /__calls` with the last calls, `DELETE /__counts` begins anew.
 */
import { Agent, createServer, type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UsageReader } from './usage-reader.js';

export interface CountedCall {
  readonly at: string;
  readonly method: string;
  readonly path: string;
  readonly status: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** The answer's own id, its model and its usage as the provider told them. */
  readonly answerId: string | null;
  readonly model: string | null;
  readonly usage: Readonly<Record<string, unknown>> | null;
  readonly durationMs: number;
  /** `completed`, or who ended the call early. */
  readonly end: 'completed' | 'client left' | 'upstream failed';
}

export interface Counts {
  readonly requests: number;
  readonly completed: number;
  readonly failed: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Successful completions whose body told no usage: their tokens are unknown, not zero. */
  readonly withoutUsage: number;
}

export interface CountingProxy {
  readonly url: string;
  counts(): Counts;
  /** The last calls, oldest first, up to `keepCalls`. */
  calls(): readonly CountedCall[];
  reset(): void;
  stop(): Promise<void>;
}

export interface CountingProxyOptions {
  /** The upstream's address; paths are appended to it. */
  readonly upstream: string;
  /** @default a free port */
  readonly port?: number;
  /** @default 1000 */
  readonly keepCalls?: number;
}

const noCounts = () => ({
  requests: 0,
  completed: 0,
  failed: 0,
  byStatus: {} as Record<string, number>,
  inputTokens: 0,
  outputTokens: 0,
  withoutUsage: 0,
});

class Tally {
  #counts = noCounts();
  #calls: CountedCall[] = [];
  readonly #keep: number;

  constructor(keep: number) {
    this.#keep = keep;
  }

  begin(): void {
    this.#counts.requests += 1;
  }

  end(call: CountedCall): void {
    const counts = this.#counts;
    const status = String(call.status ?? 'none');
    counts.byStatus[status] = (counts.byStatus[status] ?? 0) + 1;
    if (call.end === 'completed') counts.completed += 1;
    else counts.failed += 1;
    counts.inputTokens += call.inputTokens ?? 0;
    counts.outputTokens += call.outputTokens ?? 0;
    if (call.status === 200 && call.method === 'POST' && call.outputTokens === null) counts.withoutUsage += 1;
    this.#calls.push(call);
    // Cut seldom and in one go: shifting one by one would cost the whole array each time.
    if (this.#calls.length >= 2 * this.#keep) this.#calls = this.#calls.slice(-this.#keep);
  }

  get counts(): Counts {
    return { ...this.#counts, byStatus: { ...this.#counts.byStatus } };
  }

  get calls(): readonly CountedCall[] {
    return this.#calls.slice(-this.#keep);
  }

  reset(): void {
    this.#counts = noCounts();
    this.#calls = [];
  }
}

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding']);

/** Raw headers (name, value, name, value …) without those that concern one connection only. */
function endToEnd(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, index) => !HOP_BY_HOP.has(rawHeaders[index - (index % 2)]?.toLowerCase() ?? ''));
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(body)}\n`);
}

/** Answers the proxy's own routes; false when the request is for the upstream. */
function answerControl(tally: Tally, request: IncomingMessage, response: ServerResponse): boolean {
  const route = `${request.method} ${request.url}`;
  if (route === 'GET /__counts') sendJson(response, tally.counts);
  else if (route === 'GET /__calls') sendJson(response, tally.calls);
  else if (route === 'DELETE /__counts') {
    tally.reset();
    response.writeHead(204).end();
  } else return false;
  return true;
}

function forward(target: URL, agent: Agent, tally: Tally, request: IncomingMessage, response: ServerResponse): void {
  const started = performance.now();
  const at = new Date().toISOString();
  let status: number | null = null;
  let usage: UsageReader | null = null;
  let ended = false;
  const end = (how: CountedCall['end']): void => {
    if (ended) return;
    ended = true;
    const tokens = usage?.usage ?? null;
    const told = usage?.told ?? null;
    tally.end({
      at,
      method: request.method ?? '',
      path: request.url ?? '',
      status,
      inputTokens: tokens?.inputTokens ?? null,
      outputTokens: tokens?.outputTokens ?? null,
      answerId: told?.id ?? null,
      model: told?.model ?? null,
      usage: told?.usage ?? null,
      durationMs: Math.round(performance.now() - started),
      end: how,
    });
  };
  const upstreamGone = (): void => {
    end('upstream failed');
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The upstream did not answer.\n');
  };

  tally.begin();
  // A compressed body could not be read on its way.
  const headers = { ...request.headers, host: target.host, 'accept-encoding': 'identity' };
  const path = `${target.pathname.replace(/\/$/, '')}${request.url ?? ''}`;
  const upstream = httpRequest(
    { agent, hostname: target.hostname, port: target.port, path, method: request.method, headers },
    (answer) => {
      status = answer.statusCode ?? null;
      usage = new UsageReader(answer.headers['content-type'] ?? '');
      response.writeHead(answer.statusCode ?? 502, endToEnd(answer.rawHeaders));
      response.flushHeaders();
      answer.on('data', (bytes: Buffer) => usage?.read(bytes));
      answer.on('error', upstreamGone);
      // Counted before the client can see the end: whoever reads the counts after its answer finds it there.
      answer.once('end', () => end('completed'));
      answer.pipe(response);
    },
  );
  upstream.on('error', upstreamGone);
  response.once('close', () => {
    if (ended) return;
    end('client left');
    upstream.destroy();
  });
  request.pipe(upstream);
}

export async function startCountingProxy(options: CountingProxyOptions): Promise<CountingProxy> {
  const target = new URL(options.upstream);
  const tally = new Tally(options.keepCalls ?? 1_000);
  const agent = new Agent({ keepAlive: true });
  const server = createServer((request, response) => {
    if (!answerControl(tally, request, response)) forward(target, agent, tally, request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    counts: () => tally.counts,
    calls: () => tally.calls,
    reset: () => tally.reset(),
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      agent.destroy();
      await closed;
    },
  };
}
