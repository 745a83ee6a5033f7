/** Asks a provider whether it has a model, which costs nothing, and how long it takes to say so. */
import type { UpstreamDirectory } from '../gateway/directories.js';
import { modelSegment } from '../upstream/model-segment.js';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '../upstream/upstream-client.js';
import type { ModelInUse } from './models-in-use.js';

/** `unauthorized`: the provider does not accept this server's credential; `limited`: it wants to be asked later. */
export type ModelStatus = 'available' | 'unknown' | 'unauthorized' | 'limited' | 'unavailable';

export interface Probed {
  readonly status: ModelStatus;
  /** Null where it did not answer. */
  readonly seconds: number | null;
}

export interface ModelProberParts {
  readonly upstream: Upstream;
  readonly upstreams: UpstreamDirectory;
}

type Manner = Pick<UpstreamRequest, 'headers'> &
  Partial<UpstreamRequest> & { readonly operation: string; readonly below: string };

/** How those who speak one provider's protocol are asked for a model. */
const MANNERS: readonly Manner[] = [
  { operation: 'openai.models', below: '/models/', headers: {} },
  {
    operation: 'anthropic.models',
    below: '/v1/models/',
    headers: { 'anthropic-version': '2023-06-01' },
    credentialHeader: 'x-api-key',
  },
];

export class ModelProber {
  readonly #parts: ModelProberParts;

  constructor(parts: ModelProberParts) {
    this.#parts = parts;
  }

  /** Null: the tenant has no such provider for this model. */
  async probe({ tenant, provider, model }: ModelInUse, signal: AbortSignal): Promise<Probed | null> {
    const segment = modelSegment(model);
    if (segment === null) return null;
    for (const { operation, below, ...manner } of MANNERS) {
      const target = this.#parts.upstreams.targetFor({ operation, tenant, model });
      if (target?.provider !== provider) continue;
      const path = below + segment;
      const began = performance.now();
      const response = await this.#parts.upstream.call({ target, method: 'GET', path, body: null, signal, ...manner });
      const seconds = (performance.now() - began) / 1000;
      if (response.kind === 'json' || response.kind === 'stream') await drained(response.bytes);
      return { status: statusOf(response), seconds: response.kind === 'failed' ? null : seconds };
    }
    return null;
  }
}

function statusOf(response: UpstreamResponse): ModelStatus {
  if (response.kind === 'failed') return 'unavailable';
  if (response.kind !== 'refused') return 'available';
  const { status } = response;
  if (status === 404) return 'unknown';
  if (status === 401 || status === 403) return 'unauthorized';
  return status === 429 ? 'limited' : 'unavailable';
}

/** What it says of the model is not asked for; an answer that breaks off has come all the same. */
async function drained(bytes: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const chunk of bytes) void chunk;
  } catch {
    // It was there to say so.
  }
}
