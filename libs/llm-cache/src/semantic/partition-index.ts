/**
 * The questions of each partition that this process knows, with their vectors: rebuilt from Redis, and brought up to date
 * before each search, so that every process finds what any has stored.
 */
import { type KeyRef, keyspace } from '@promptsales/cache-core';
import { type Embedder, NeighbourIndex } from '@promptsales/semantics';
import type { BoundedLog, LogEntry } from './bounded-log.js';
import type { TextVector, TextVectors } from './text-vectors.js';

/** An answer that may be served for other questions than its own. */
export interface KnownQuestion {
  /** The identity under which its answer is kept. */
  readonly answer: string;
  /** What a gate looks at in it takes twenty times as much as the text, and is made for the few that come near. */
  readonly text: string;
}

export interface PartitionName {
  readonly hash: string;
  readonly tenant: string;
}

export interface PartitionBounds {
  /** Questions of one partition, the latest ones. */
  readonly questions: number;
  /** Bytes of vectors and texts in this process, over all partitions. */
  readonly bytes: number;
  readonly ttlSeconds: number;
}

interface Partition {
  index: NeighbourIndex<KnownQuestion> | null;
  lastId: string;
  catchingUp: Promise<void> | null;
}

/** So many vectors are asked for at once. */
const CHUNK = 64;

export class PartitionIndexes {
  readonly #log: Pick<BoundedLog, 'append' | 'after'>;
  readonly #vectors: Pick<TextVectors, 'keep' | 'stored'>;
  readonly #bounds: PartitionBounds;
  /** The one that was used last stands last. */
  readonly #partitions = new Map<string, Partition>();

  constructor(
    log: Pick<BoundedLog, 'append' | 'after'>,
    vectors: Pick<TextVectors, 'keep' | 'stored'>,
    bounds: PartitionBounds,
  ) {
    this.#log = log;
    this.#vectors = vectors;
    this.#bounds = bounds;
  }

  /** Up to date with Redis when it resolves. Null: nothing is known there. @throws RedisUnavailableError */
  async of(
    name: PartitionName,
    embedder: Embedder,
    signal: AbortSignal,
  ): Promise<NeighbourIndex<KnownQuestion> | null> {
    const partition = this.#touched(name.hash);
    // Whoever comes while others catch up may have come after what they read: he reads once more.
    await partition.catchingUp;
    partition.catchingUp ??= this.#catchUp(name, partition, embedder, signal).finally(() => {
      partition.catchingUp = null;
    });
    await partition.catchingUp;
    return partition.index;
  }

  /** @throws RedisUnavailableError */
  async add(name: PartitionName, answer: string, text: string, vector: TextVector): Promise<void> {
    await this.#vectors.keep(vector, name.tenant);
    const { questions, ttlSeconds } = this.#bounds;
    await this.#log.append(refOf(name), { answer, text, vector: vector.hash }, questions, ttlSeconds);
  }

  /** Its answer is not there any more. */
  forget({ hash }: PartitionName, answer: string): void {
    this.#partitions.get(hash)?.index?.delete(answer);
  }

  async #catchUp(name: PartitionName, partition: Partition, embedder: Embedder, signal: AbortSignal): Promise<void> {
    for await (const entries of this.#log.after(refOf(name), partition.lastId)) {
      for (let from = 0; from < entries.length; from += CHUNK) {
        const chunk = entries.slice(from, from + CHUNK);
        const vectors = await Promise.all(chunk.map((entry) => this.#vectorOf(entry, name, embedder, signal)));
        this.#take(partition, chunk, vectors);
      }
    }
    this.#evict(name.hash);
  }

  #take(partition: Partition, entries: readonly LogEntry[], vectors: readonly (Float32Array | null)[]): void {
    for (const [at, { id, fields }] of entries.entries()) {
      partition.lastId = id;
      const vector = vectors[at] ?? null;
      if (vector === null) continue;
      const { answer = '', text = '' } = fields;
      partition.index ??= new NeighbourIndex(vector.length, this.#bounds.questions);
      partition.index.set(answer, vector, { answer, text }, text.length * BYTES_PER_CHARACTER);
    }
  }

  async #vectorOf(
    { fields: { vector: hash = '', text = '' } }: LogEntry,
    { tenant }: PartitionName,
    embedder: Embedder,
    signal: AbortSignal,
  ): Promise<Float32Array | null> {
    const stored = await this.#vectors.stored(hash, tenant);
    // What would have to be paid for again is left out instead.
    if (stored !== null || embedder.remote) return stored;
    return (await embedder.embed([text], signal)).vectors[0] ?? null;
  }

  #touched(hash: string): Partition {
    const known = this.#partitions.get(hash) ?? { index: null, lastId: '', catchingUp: null };
    this.#partitions.delete(hash);
    this.#partitions.set(hash, known);
    return known;
  }

  /** Those that were not used for longest go first; not the one that is in use. */
  #evict(inUse: string): void {
    let bytes = 0;
    for (const { index } of this.#partitions.values()) bytes += (index?.bytes ?? 0) + OVERHEAD_BYTES;
    for (const [hash, { index, catchingUp }] of this.#partitions) {
      if (bytes <= this.#bounds.bytes) return;
      if (hash === inUse || catchingUp !== null) continue;
      this.#partitions.delete(hash);
      bytes -= (index?.bytes ?? 0) + OVERHEAD_BYTES;
    }
  }
}

const BYTES_PER_CHARACTER = 2;
/** Of a partition without vectors. */
const OVERHEAD_BYTES = 512;

function refOf({ hash, tenant }: PartitionName): KeyRef {
  return keyspace.semanticQuestions.at({ partition_hash: hash }, tenant);
}
