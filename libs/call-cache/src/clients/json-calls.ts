/** Calls of configured services for the platform's own routes: JSON in, JSON out, through the same gate and breaker as the proxy's. */
import { CallError } from '../call-error.js';
import { requestFields } from '../proxy/forwarded-fields.js';
import { targetOf } from '../proxy/target.js';
import { Fields } from '../rules/fields.js';
import type { Service } from '../services/service.js';
import type { Upstream } from '../upstream/guarded-upstream.js';
import type { Bytes } from '../upstream/upstream-client.js';

export interface JsonCall {
  readonly service: Service;
  readonly method: 'GET' | 'POST';
  /** Below the base URL, encoded. */
  readonly path: string;
  readonly body?: unknown;
}

export interface JsonAnswer {
  readonly status: number;
  /** Undefined: it is no JSON. */
  readonly value: unknown;
}

const MOST_BYTES = 4 * 1024 * 1024;
const WITHIN_MS = 30_000;

export class JsonCalls {
  readonly #upstream: Upstream;

  constructor(upstream: Upstream) {
    this.#upstream = upstream;
  }

  /** @throws CallError when there is no answer, or a longer one than it can be */
  async call({ service, method, path, body }: JsonCall): Promise<JsonAnswer> {
    const bytes = body === undefined ? null : Buffer.from(JSON.stringify(body));
    const asking = new Fields([
      ['Accept', 'application/json'],
      ['User-Agent', 'promptsales-cache'],
      ...(bytes === null ? [] : ([['Content-Type', 'application/json']] as const)),
    ]);
    const fields = requestFields(asking, service, { keyInAuthorization: true });
    const deadline = AbortSignal.timeout(WITHIN_MS);
    try {
      const answer = await this.#upstream.call({
        service,
        method,
        target: targetOf(service, path).line,
        fields: bytes === null ? fields : fields.with(['Content-Length', String(bytes.length)]),
        body: bytes,
        signal: deadline,
      });
      return { status: answer.status, value: parsed(await whole(answer.bytes, service)) };
    } catch (error) {
      if (!deadline.aborted) throw error;
      throw new CallError('gateway_timeout', `The service ${service.name} did not answer in time.`, { cause: error });
    }
  }

  /**
   * Of a service that is to say yes.
   * @throws CallError also for any status but 2xx, and for what is no JSON
   */
  async value(call: JsonCall): Promise<unknown> {
    const { status, value } = await this.call(call);
    const { name } = call.service;
    if (status === 404) throw new CallError('not_found', `The service ${name} knows nothing of it.`);
    if (status === 429) throw new CallError('too_many_requests', `The service ${name} has been asked too often.`);
    if (status < 200 || status > 299)
      throw new CallError('bad_gateway', `The service ${name} answered with ${status}.`);
    if (value === undefined) throw new CallError('bad_gateway', `The service ${name} answered with what is no JSON.`);
    return value;
  }
}

async function whole(bytes: Bytes, { name }: Service): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new CallError('bad_gateway', `The service ${name} answered with too much.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}
