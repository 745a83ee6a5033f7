/** From the events of an image that is being drawn to the answer that the same call would have given at once. */
import { readImagesUsage } from '../../ledger/openai-usage.js';
import { readFrame } from '../../stream/sse-frames.js';
import { complaintIn } from '../complaint.js';
import { GOES_ON, TERMINAL } from '../frame-readings.js';
import { isObject, parsedEvent } from '../json-object.js';
import {
  NO_FACTS,
  type AnswerDefect,
  type Assembler,
  type FrameReading,
  type JsonObject,
  type WholeAnswer,
} from '../protocol.js';
import { isBase64 } from './lasting.js';

const COMPLETED = 'image_generation.completed';
/** What the events say of themselves and JSON answers do not. */
const OF_THE_EVENT = new Set(['type', 'b64_json', 'created_at', 'usage', 'sequence_number']);

export class ImageAssembler implements Assembler {
  readonly #maxBytes: number;
  readonly #images: number;
  #completed: JsonObject[] = [];
  #seen = 0;
  #bytes = 0;
  #usage: unknown = null;
  #defect: AnswerDefect | null = null;
  #complaint: string | null = null;

  /** @param images that were asked for: the stream has ended when so many are complete */
  constructor(maxBytes: number, images: number) {
    this.#maxBytes = maxBytes;
    this.#images = images;
  }

  get outgrown(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  push(frame: Buffer): FrameReading {
    const { event, data } = readFrame(frame);
    if (data === null) return GOES_ON;
    const said = parsedEvent(data);
    if (!isObject(said)) return this.#flawed('unreadable');
    const error = said['error'] ?? (event === 'error' || said['type'] === 'error' ? said : null);
    if (error !== null) {
      this.#complaint ??= complaintIn(error);
      return this.#flawed('in_band_error');
    }
    if (!isBase64(said['b64_json'])) this.#flawed('no_image');
    if (said['type'] !== COMPLETED) return GOES_ON;
    this.#bytes += frame.length;
    this.#usage = said['usage'];
    this.#seen += 1;
    if (this.outgrown) this.#completed = [];
    else this.#completed.push(said);
    return this.#seen >= this.#images ? TERMINAL : GOES_ON;
  }

  finish(): WholeAnswer {
    // Each of several images may come with the usage of all, or with its own: nobody says which.
    const facts = { ...NO_FACTS, usage: this.#images === 1 ? readImagesUsage(this.#usage) : null };
    const complaint = this.#complaint;
    const broken = this.#defect ?? (this.#seen < this.#images ? 'no_terminal_event' : null);
    if (broken !== null || this.outgrown) return { json: null, facts, defect: broken ?? 'too_large', complaint };
    return { json: this.#answer(), jsonDiffers: true, facts, defect: null, complaint };
  }

  #answer(): Buffer {
    const [first = {}] = this.#completed;
    const more = Object.fromEntries(Object.entries(first).filter(([name]) => !OF_THE_EVENT.has(name)));
    const data = this.#completed.map(({ b64_json }) => ({ b64_json }));
    return Buffer.from(
      JSON.stringify({ created: first['created_at'], data, ...more, usage: this.#usage ?? undefined }),
    );
  }

  /** An error is worth more than what else is wrong. */
  #flawed(defect: AnswerDefect): FrameReading {
    if (this.#defect === null || defect === 'in_band_error') this.#defect = defect;
    return GOES_ON;
  }
}
