/** Vectors of texts, kept in Redis under `embedding:*`, so that no text is embedded twice. */
import {
  type Cache,
  encodeValue,
  type KeyRef,
  keyspace,
  parseBody,
  requestIdentity,
  valueReading,
} from '@promptsales/cache-core';
import type { Embedder } from '@promptsales/semantics';

export interface TextVector {
  readonly hash: string;
  readonly vector: Float32Array;
}

export class TextVectors {
  readonly #cache: Cache;

  constructor(cache: Cache) {
    this.#cache = cache;
  }

  /** @throws EmbedderError; the signal's reason */
  async of(text: string, tenant: string, embedder: Embedder, signal: AbortSignal): Promise<TextVector> {
    const hash = hashOf(text, tenant, embedder);
    // To compute it takes less than to fetch it.
    const kept = embedder.remote ? await this.stored(hash, tenant) : null;
    return { hash, vector: kept ?? (await embed(text, embedder, signal)) };
  }

  /** Null where it is not there any more. */
  async stored(hash: string, tenant: string): Promise<Float32Array | null> {
    const found = await this.#cache.lookup(valueReading(refOf(hash, tenant)));
    return found.kind === 'hit' ? Float32Array.from(found.hit.value) : null;
  }

  async keep({ hash, vector }: TextVector, tenant: string): Promise<void> {
    const ref = refOf(hash, tenant);
    await this.#cache.put({ ref }, { stored: encodeValue(ref.family, Array.from(vector)) });
  }
}

function refOf(hash: string, tenant: string): KeyRef<typeof keyspace.llmEmbedding> {
  return keyspace.llmEmbedding.at({ text_hash: hash }, tenant);
}

async function embed(text: string, embedder: Embedder, signal: AbortSignal): Promise<Float32Array> {
  const { vectors } = await embedder.embed([text], signal);
  return vectors[0] as Float32Array;
}

function hashOf(text: string, tenant: string, { space }: Embedder): string {
  return requestIdentity({
    version: 1,
    tenant,
    scope: 'tenant',
    namespace: '',
    upstream: space,
    operation: 'semantic.embedding',
    headers: {},
    body: parseBody(Buffer.from(JSON.stringify(text))),
    omit: [],
  });
}
