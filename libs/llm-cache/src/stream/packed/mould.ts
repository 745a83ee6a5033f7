import type { Column } from './columns.js';
import { partsBetween, type Template } from './frame-templates.js';
import { copyBytes, MalformedBytes } from './packed-bytes.js';

/** Makes the frames of one template, in the order in which they came. */
export class Mould {
  /** What of the sample does not vary: one more than there are varying columns. */
  readonly #steady: readonly Buffer[];
  readonly #varying: readonly Column[];
  #poured = 0;

  /** @param columns one for each hole; null: the value of the sample fills it each time */
  constructor(template: Template, columns: readonly (Column | null)[]) {
    const varying = columns.flatMap((column, hole) => (column === null ? [] : [{ column, hole }]));
    this.#varying = varying.map(({ column }) => column);
    this.#steady = partsBetween(
      template,
      varying.map(({ hole }) => hole),
    );
  }

  /**
   * Writes the next frame.
   * @returns where it ends
   * @throws MalformedBytes where there is no room for it
   */
  pour(into: Buffer, from: number): number {
    const number = this.#poured;
    this.#poured += 1;
    let at = from;
    for (let part = 0; part < this.#steady.length; part += 1) {
      const steady = this.#steady[part] as Buffer;
      at = copied(steady, 0, steady.length, into, at);
      const varying = this.#varying[part];
      if (varying === undefined) break;
      const { bytes, ends } = varying;
      at = copied(bytes, number === 0 ? 0 : (ends[number - 1] as number), ends[number] as number, into, at);
    }
    return at;
  }
}

function copied(bytes: Buffer, start: number, end: number, into: Buffer, at: number): number {
  if (at + end - start > into.length) throw new MalformedBytes('the frames are longer than they are said to be');
  return copyBytes(bytes, start, end, into, at);
}
