/**
 * The nearest vectors among at most so many, by an exact scan: every vector is compared.
 *
 * Exact rather than a graph of neighbours: within one partition there are thousands of entries, not millions, and it is
 * only asked when a language model would be asked otherwise (docs/decisions/0165). It forgets the entry that was added
 * first when it is full.
 */
export interface Neighbour<T> {
  readonly similarity: number;
  readonly value: T;
}

interface Place<T> {
  readonly id: string;
  readonly value: T;
  readonly bytes: number;
}

export class NeighbourIndex<T> {
  readonly #capacity: number;
  readonly #dimensions: number;
  /** One after another; grows by doubling up to the capacity. */
  #vectors: Float32Array;
  readonly #places: (Place<T> | null)[] = [];
  readonly #at = new Map<string, number>();
  readonly #free: number[] = [];
  #valueBytes = 0;

  constructor(dimensions: number, capacity: number) {
    this.#dimensions = dimensions;
    this.#capacity = capacity;
    this.#vectors = new Float32Array(Math.min(capacity, 16) * dimensions);
  }

  get size(): number {
    return this.#at.size;
  }

  get dimensions(): number {
    return this.#dimensions;
  }

  /** Of the vectors, and of the values so far as it was told. */
  get bytes(): number {
    return this.#vectors.byteLength + this.#valueBytes;
  }

  get(id: string): T | undefined {
    const at = this.#at.get(id);
    return at === undefined ? undefined : this.#places[at]?.value;
  }

  /**
   * Takes the place of what has the same id. A vector of another length belongs to another space: it is refused.
   * @param bytes what the value takes
   */
  set(id: string, vector: Float32Array, value: T, bytes = 0): boolean {
    if (vector.length !== this.#dimensions) return false;
    this.delete(id);
    if (this.#at.size >= this.#capacity) this.delete(this.#at.keys().next().value as string);
    const at = this.#free.pop() ?? this.#places.length;
    if ((at + 1) * this.#dimensions > this.#vectors.length) this.#grow();
    this.#vectors.set(vector, at * this.#dimensions);
    this.#places[at] = { id, value, bytes };
    this.#valueBytes += bytes;
    this.#at.set(id, at);
    return true;
  }

  delete(id: string): boolean {
    const at = this.#at.get(id);
    if (at === undefined) return false;
    this.#at.delete(id);
    this.#valueBytes -= this.#places[at]?.bytes ?? 0;
    this.#places[at] = null;
    this.#free.push(at);
    return true;
  }

  /** At most `count`, nearest first. `vector` has length 1. */
  nearest(vector: Float32Array, count: number): Neighbour<T>[] {
    const found: Neighbour<T>[] = [];
    if (vector.length !== this.#dimensions) return found;
    for (const [at, place] of this.#places.entries()) {
      if (place === null) continue;
      const similarity = this.#similarity(vector, at * this.#dimensions);
      const last = found.at(-1);
      if (found.length === count && last !== undefined && similarity <= last.similarity) continue;
      let rank = found.length;
      while (rank > 0 && (found[rank - 1] as Neighbour<T>).similarity < similarity) rank -= 1;
      found.splice(rank, 0, { similarity, value: place.value });
      if (found.length > count) found.pop();
    }
    return found;
  }

  #similarity(vector: Float32Array, from: number): number {
    const vectors = this.#vectors;
    const size = this.#dimensions;
    let [a, b, c, d] = [0, 0, 0, 0];
    let at = 0;
    // Four sums at a time: each addition would wait for the one before it otherwise.
    for (; at + 3 < size; at += 4) {
      a += (vector[at] as number) * (vectors[from + at] as number);
      b += (vector[at + 1] as number) * (vectors[from + at + 1] as number);
      c += (vector[at + 2] as number) * (vectors[from + at + 2] as number);
      d += (vector[at + 3] as number) * (vectors[from + at + 3] as number);
    }
    for (; at < size; at += 1) a += (vector[at] as number) * (vectors[from + at] as number);
    return a + b + (c + d);
  }

  #grow(): void {
    const grown = new Float32Array(Math.min(this.#capacity * this.#dimensions, this.#vectors.length * 2));
    grown.set(this.#vectors);
    this.#vectors = grown;
  }
}
