/**
 * Reads the stream of a response. Its last event holds the response as a whole, which is what the same call would have
 * answered as JSON; so nothing is merged or written anew, and what is held is no longer than that. The items that were told one by one
 * before are compared with it: where they differ, readers of the two forms would not read the same. See docs/decisions/0264 for
 * what is encrypted.
 */
import { isUtf8 } from 'node:buffer';
import { isDeepStrictEqual } from 'node:util';
import { valueOfMember } from '../../stream/json-members.js';
import { readFrame } from '../../stream/sse-frames.js';
import { complaintIn } from '../complaint.js';
import { GOES_ON, TERMINAL } from '../frame-readings.js';
import { factsOf } from '../choices/completion.js';
import { isObject, parsedEvent, textIn } from '../json-object.js';
import { NO_FACTS, type Assembler, type FrameReading, type JsonObject, type WholeAnswer } from '../protocol.js';
import { complaintOf, defectOf } from './response.js';

const LAST_EVENT = /^response\.(completed|failed|incomplete|cancelled)$/;
const ITEM_DONE = 'response.output_item.done';
const DONE = '[DONE]';

export class ResponseAssembler implements Assembler {
  readonly #maxBytes: number;
  readonly #items = new Map<number, JsonObject>();
  #itemBytes = 0;
  #response: JsonObject | null = null;
  /** As the provider wrote it. */
  #json: Buffer | null = null;
  #status = '';
  #complaint: string | null = null;
  #unreadable = false;
  #outgrown = false;

  constructor(maxBytes = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
  }

  get outgrown(): boolean {
    return this.#outgrown;
  }

  push(frame: Buffer): FrameReading {
    const { event, data, dataAt } = readFrame(frame);
    // Nearly all events are pieces of what a later one says again.
    if (data === null || event?.endsWith('.delta') === true || data.trim() === DONE) return GOES_ON;
    const said = parsedEvent(data);
    if (!isObject(said)) {
      this.#unreadable = true;
      return GOES_ON;
    }
    const type = said['type'] ?? event;
    const last = typeof type === 'string' ? LAST_EVENT.exec(type) : null;
    if (last !== null && isObject(said['response'])) {
      this.#end(said['response'], last[1] as string, dataAt === null ? null : responseIn(frame, dataAt));
      return TERMINAL;
    }
    if (type === ITEM_DONE) this.#keepItem(said, frame.length);
    // An error without a type is what proxies and some servers send in OpenAI's place.
    else if (type === 'error' || isObject(said['error'])) {
      this.#complaint ??= complaintIn(isObject(said['error']) ? said['error'] : said);
    }
    return GOES_ON;
  }

  finish(): WholeAnswer {
    const response = this.#response;
    if (response === null) {
      const defect = this.#complaint === null ? 'no_terminal_event' : 'in_band_error';
      return { json: null, facts: NO_FACTS, defect, complaint: this.#complaint };
    }
    const facts = factsOf(response);
    const complaint = this.#complaint ?? complaintOf(response);
    if (this.#outgrown) return { json: null, facts, defect: 'too_large', complaint };
    const defect = this.#complaint === null ? defectOf(response, this.#status) : 'in_band_error';
    return {
      json: this.#json ?? Buffer.from(JSON.stringify(response)),
      jsonDiffers: !this.#itemsAre(response['output']),
      facts,
      defect: this.#unreadable ? (defect ?? 'unreadable') : defect,
      complaint,
    };
  }

  #end(response: JsonObject, status: string, json: Buffer | null): void {
    // Some servers leave the output to the events before.
    const { output } = response;
    const left = !Array.isArray(output) || (output.length === 0 && this.#items.size > 0);
    this.#response = left ? { ...response, output: this.#itemsInOrder() } : response;
    this.#json = left ? null : json;
    this.#status = typeof response['status'] === 'string' ? response['status'] : status;
  }

  #keepItem({ output_index: index, item }: JsonObject, bytes: number): void {
    if (!Number.isInteger(index) || !isObject(item)) {
      this.#unreadable = true;
      return;
    }
    this.#itemBytes += bytes;
    this.#outgrown ||= this.#itemBytes > this.#maxBytes;
    if (this.#outgrown) this.#items.clear();
    else this.#items.set(index as number, item);
  }

  #itemsInOrder(): JsonObject[] {
    return [...this.#items].toSorted(([left], [right]) => left - right).map(([, item]) => item);
  }

  #itemsAre(output: unknown): boolean {
    // Servers that tell no items one by one tell nothing else either.
    if (this.#items.size === 0) return true;
    return Array.isArray(output) && isDeepStrictEqual(this.#itemsInOrder().map(unsealed), output.map(unsealed));
  }
}

/** Of reasoning that only the provider can read, that there is some: he seals it anew for each event that has it. */
function unsealed(item: unknown): unknown {
  if (!isObject(item) || textIn(item['encrypted_content']) === null) return item;
  return { ...item, encrypted_content: true };
}

/** The bytes of the response in its last event; null where they are not there as one piece, or are no text. */
function responseIn(frame: Buffer, { from, to }: { readonly from: number; readonly to: number }): Buffer | null {
  const span = valueOfMember(frame, from, to, 'response');
  const bytes = span === null ? null : frame.subarray(span.from, span.to);
  return bytes !== null && isUtf8(bytes) ? bytes : null;
}
