/** The client that calls providers, and a provider that answers as a test says. */
import { buffer } from 'node:stream/consumers';
import { LlmError } from '../src/protocol/llm-error.js';
import { UpstreamClient, type UpstreamResponse } from '../src/upstream/upstream-client.js';
import { RawProvider, type Answering } from './raw-provider.js';

export const STREAM = 'data: {"choices":[]}\n\ndata: [DONE]\n\n';
export const MEGABYTE = 1024 * 1024;

interface CallOptions {
  readonly client?: UpstreamClient;
  readonly baseUrl?: string;
  readonly signal?: AbortSignal;
  readonly headers?: Record<string, string>;
}

export interface UpstreamStage {
  readonly provider: RawProvider;
  readonly call: (options?: CallOptions) => Promise<UpstreamResponse>;
  readonly answeredWith: (answering: Answering, options?: CallOptions) => Promise<UpstreamResponse>;
}

/** For all tests of a file: one provider; each test has a client of its own. */
export function upstreamStage(): UpstreamStage {
  let provider: RawProvider;
  let ownClient: UpstreamClient;
  beforeAll(async () => {
    provider = await RawProvider.start((_, response) => void response.end());
  });
  beforeEach(() => {
    const times = { timeoutMs: 60_000, idleTimeoutMs: 60_000, connectTimeoutMs: 60_000 };
    ownClient = new UpstreamClient({ ...times, maxErrorBytes: 1000 });
  });
  afterEach(() => ownClient.close());
  afterAll(() => provider.stop());

  const call = ({
    client = ownClient,
    baseUrl = provider.baseUrl,
    signal = new AbortController().signal,
    headers = {},
  }: CallOptions = {}): Promise<UpstreamResponse> =>
    client.call({
      target: { provider: 'test', baseUrl, apiKey: 'sk-upstream', simulated: false },
      method: 'POST',
      path: '/chat/completions',
      headers,
      body: Buffer.from('{"model":"m"}'),
      signal,
    });
  return {
    get provider() {
      return provider;
    },
    call,
    answeredWith: (answering, options) => {
      provider.answers(answering);
      return call(options);
    },
  };
}

export async function text(response: UpstreamResponse): Promise<string> {
  if (response.kind !== 'stream' && response.kind !== 'json') throw new Error(`no body: ${response.kind}`);
  return (await buffer(response.bytes)).toString();
}

export async function failureOf(action: Promise<unknown>): Promise<LlmError> {
  const outcome = await action.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof LlmError) return outcome;
  throw new Error('did not fail as a provider fails', { cause: outcome });
}

export function sendsStream(status = 200, headers: Record<string, string> = {}): Answering {
  return (_, response) =>
    void response.writeHead(status, { 'content-type': 'text/event-stream; charset=utf-8', ...headers }).end(STREAM);
}
