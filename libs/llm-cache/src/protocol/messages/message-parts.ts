/** The parts of a message while its stream comes in: content blocks that grow by deltas, and the JSON they make. */
import { isObject, parsed } from '../json-object.js';
import type { JsonObject } from '../protocol.js';

/** Without a prototype, so that a member named `__proto__` is a member like any other. */
export function copied(object: JsonObject): JsonObject {
  return Object.assign(Object.create(null) as JsonObject, object);
}

/** A text that comes in pieces is put together in portions, so that a million pieces are not a million objects for long. */
const PIECES_AT_ONCE = 1024;

class GrowingText {
  #whole = '';
  #pieces: string[] = [];

  add(piece: string): void {
    this.#pieces.push(piece);
    if (this.#pieces.length >= PIECES_AT_ONCE) this.#join();
  }

  get text(): string {
    this.#join();
    return this.#whole;
  }

  #join(): void {
    if (this.#pieces.length === 0) return;
    this.#whole += this.#pieces.join('');
    this.#pieces = [];
  }
}

/** Deltas that continue a text, with the member of the block that they continue. */
const CONTINUED: ReadonlyMap<unknown, string> = new Map([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
]);

/** What became of a delta. `unknown` was merged by its shape: good enough for who waits, not to be kept as the answer. */
export type Taken = 'known' | 'unknown' | 'unreadable';

/** One content block. Members keep the order in which they came. */
export class ContentBlock {
  readonly #members: JsonObject;
  readonly #texts = new Map<string, GrowingText>();
  /** Lists that are ours to grow. */
  readonly #appended = new Map<string, unknown[]>();
  /** The pieces of `input`, which is JSON of its own and is kept as it was written. */
  #input: GrowingText | null = null;

  constructor(start: JsonObject) {
    this.#members = copied(start);
  }

  get type(): unknown {
    return this.#members['type'];
  }

  take(delta: JsonObject): Taken {
    const { type } = delta;
    const continued = CONTINUED.get(type);
    if (continued !== undefined) return this.#continue(continued, delta[continued]);
    switch (type) {
      case 'input_json_delta': {
        const piece = delta['partial_json'];
        if (typeof piece !== 'string') return 'unreadable';
        (this.#input ??= new GrowingText()).add(piece);
        return 'known';
      }
      case 'signature_delta':
        this.#members['signature'] = delta['signature'];
        return 'known';
      case 'citations_delta':
        this.#append('citations', delta['citation']);
        return 'known';
      default:
        this.#mergeByShape(delta);
        return 'unknown';
    }
  }

  /** As JSON, and whether its input was JSON at all; one that broke off is left as it began. */
  json(): { readonly text: string; readonly sound: boolean } {
    for (const [name, growing] of this.#texts) this.#members[name] = growing.text;
    const input = this.#input?.text ?? '';
    // A tool without parameters announces one empty piece.
    if (input === '') return { text: JSON.stringify(this.#members), sound: true };
    if (parsed(input) === undefined) return { text: JSON.stringify(this.#members), sound: false };
    return { text: jsonOf(this.#members, new Map([['input', input]])), sound: true };
  }

  #continue(name: string, piece: unknown): Taken {
    if (typeof piece !== 'string') return 'unreadable';
    let growing = this.#texts.get(name);
    if (growing === undefined) {
      this.#texts.set(name, (growing = new GrowingText()));
      const begun = this.#members[name];
      if (typeof begun === 'string') growing.add(begun);
      else this.#members[name] = '';
    }
    growing.add(piece);
    return 'known';
  }

  #append(name: string, item: unknown): void {
    let items = this.#appended.get(name);
    if (items === undefined) {
      const begun = this.#members[name];
      this.#members[name] = items = Array.isArray(begun) ? [...(begun as unknown[])] : [];
      this.#appended.set(name, items);
    }
    items.push(item);
  }

  #mergeByShape({ type: _type, ...members }: JsonObject): void {
    for (const [name, value] of Object.entries(members)) {
      if (typeof value === 'string') this.#continue(name, value);
      else if (Array.isArray(value)) for (const item of value as unknown[]) this.#append(name, item);
      else this.#members[name] = value;
    }
  }
}

/** `object` as JSON, with the members of `written` as they are written there. */
export function jsonOf(object: JsonObject, written: ReadonlyMap<string, string>): string {
  const members: string[] = [];
  for (const [name, value] of Object.entries(object)) {
    const text = written.get(name) ?? JSON.stringify(value);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return `{${members.join(',')}}`;
}

/** `later` over `earlier`, which must come from `copied`, member by member; what was not said anew stays. */
export function mergedCounts(earlier: unknown, later: JsonObject): JsonObject {
  if (!isObject(earlier)) return copied(later);
  for (const name in later) if (later[name] !== null && later[name] !== undefined) earlier[name] = later[name];
  return earlier;
}
