/** The answer of `POST /v1/embeddings`: from the provider's list to vectors that can be kept one by one, and back. */
import { given, isObject, parsed, textIn } from '../json-object.js';
import type { JsonObject } from '../protocol.js';

/** How a provider writes a vector; not always as it was asked to. */
export type VectorForm = 'base64' | 'float';

export interface EmbeddingsAnswer {
  /** The list's elements by the position of what was asked, whatever their order in the list. */
  readonly elements: readonly JsonObject[];
  /** The list itself is in that order. */
  readonly inOrder: boolean;
  readonly model: string | null;
  readonly usage: unknown;
  /** All other members of the list. */
  readonly rest: JsonObject;
}

export interface EmbeddedVector {
  readonly form: VectorForm;
  readonly numbers: number[];
}

const BYTES_PER_NUMBER = 4;
const PLAIN = new Set(['object', 'index', 'embedding']);

/**
 * Null for what is no list of embeddings with one element of each index, or with no index at all.
 * @param items how many there must be; by default any number
 */
export function readEmbeddings(bytes: Buffer, items?: number): EmbeddingsAnswer | null {
  const answer = parsed(bytes.toString());
  if (!isObject(answer)) return null;
  const { object: _list, data, model, usage, ...rest } = answer;
  if (!Array.isArray(data) || data.length === 0 || data.length !== (items ?? data.length)) return null;
  const elements = inPlace(data);
  if (elements === null) return null;
  const inOrder = elements.every((element, at) => element === data[at]);
  return { elements, inOrder, model: textIn(model), usage, rest };
}

/** What bills a list of which nobody can tell the items' vectors apart. Null for what is no list. */
export function readUnmapped(bytes: Buffer): Pick<EmbeddingsAnswer, 'model' | 'usage'> | null {
  const answer = parsed(bytes.toString());
  if (!isObject(answer) || !Array.isArray(answer['data']) || answer['data'].length === 0) return null;
  return { model: textIn(answer['model']), usage: answer['usage'] };
}

function inPlace(data: readonly unknown[]): JsonObject[] | null {
  const counted = isObject(data[0]) && data[0]['index'] !== undefined;
  const elements = new Map<number, JsonObject>();
  for (const [at, element] of data.entries()) {
    if (!isObject(element) || !saysVectors(element)) return null;
    const { index } = element;
    if (!counted && index !== undefined) return null;
    const place = counted ? index : at;
    if (typeof place !== 'number' || !Number.isInteger(place) || place < 0 || place >= data.length) return null;
    elements.set(place, element);
  }
  if (elements.size !== data.length) return null;
  return data.map((_element, place) => elements.get(place) as JsonObject);
}

/** What of an element can be kept, so that `elementOf` gives the element back; null where that cannot be. */
export function vectorIn(element: JsonObject): EmbeddedVector | null {
  for (const name in element) if (!PLAIN.has(name)) return null;
  if (element['object'] !== 'embedding' || element['index'] === undefined) return null;
  const { embedding } = element;
  const numbers = typeof embedding === 'string' ? unpacked(embedding) : Array.isArray(embedding) ? embedding : null;
  // JSON, in which what cannot be packed is kept, has no -0.
  if (numbers === null || numbers.length === 0 || !numbers.every(isWritten)) return null;
  return { form: typeof embedding === 'string' ? 'base64' : 'float', numbers };
}

export function elementOf(
  { form, numbers }: Pick<EmbeddedVector, 'form'> & { readonly numbers: readonly number[] },
  index: number,
): JsonObject {
  return { object: 'embedding', index, embedding: form === 'base64' ? packed(numbers) : numbers };
}

/** The answer as a whole. `model` is left out where nobody knows it. */
export function embeddingsReply(elements: readonly JsonObject[], model: string | null, more: JsonObject): Buffer {
  const named = model === null ? {} : { model };
  return Buffer.from(JSON.stringify({ object: 'list', data: elements, ...named, ...more }));
}

function isWritten(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && !Object.is(value, -0);
}

/** In OpenAI's way or in one of its own: a vector for each token, in several types, under another name. */
function saysVectors(element: JsonObject): boolean {
  if ('embedding' in element) return given(element['embedding']);
  return Object.keys(element).some((name) => !PLAIN.has(name));
}

/** Little-endian singles, as OpenAI writes them. Null for what is not that, or not written so. */
function unpacked(text: string): number[] | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % BYTES_PER_NUMBER !== 0 || bytes.toString('base64') !== text) return null;
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length; at += BYTES_PER_NUMBER) numbers.push(bytes.readFloatLE(at));
  return numbers;
}

function packed(numbers: readonly number[]): string {
  const bytes = Buffer.allocUnsafe(numbers.length * BYTES_PER_NUMBER);
  for (const [at, value] of numbers.entries()) bytes.writeFloatLE(value, at * BYTES_PER_NUMBER);
  return bytes.toString('base64');
}
