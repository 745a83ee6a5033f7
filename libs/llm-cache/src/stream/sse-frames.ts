/**
 * Splits a byte stream of server-sent events into frames without changing a byte.
 *
 * A frame is what lies between two blank lines, its own blank line included; the frames of a stream, joined, are the
 * stream. Lines may end in LF, CRLF or CR, as the HTML standard allows. The frames depend on the bytes only, never on
 * how the network cut them into chunks. That is why a CR needs care: in a CRLF stream the CR of a blank line may be the
 * last byte of a chunk, so the frame is held until its LF has come. In a stream whose first line ends in a lone CR
 * nothing is held: there a blank line is complete with its CR, and an LF after it belongs to the next frame.
 */

const LF = 0x0a;
const CR = 0x0d;
const COLON = 0x3a;
const SPACE = 0x20;
const BOM = [0xef, 0xbb, 0xbf] as const;
const DATA = Buffer.from('data');
const EVENT = Buffer.from('event');

export class FrameTooLargeError extends Error {
  readonly code = 'sse_frame_too_large';
  constructor(readonly maxBytes: number) {
    super(
      `A server-sent event is larger than ${maxBytes} bytes; the stream is not one that can be passed on in frames.`,
    );
    this.name = 'FrameTooLargeError';
  }
}

export class SseSplitter {
  readonly #maxFrameBytes: number;
  /** Bytes of the frame that is not complete yet. */
  #held: Buffer[] = [];
  #heldBytes = 0;
  /** True at the start of a line, that is: a line end here makes a blank line. */
  #lineEmpty = true;
  #afterCr = false;
  #loneCr: boolean | null = null;
  /** A blank line ended in CR and its LF may still come. */
  #completeUnlessLf = false;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** The frames completed by these bytes, in order. The chunk is referred to, not copied: do not write to it later. */
  push(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = [];
    let start = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (this.#afterCr) {
        this.#afterCr = false;
        this.#loneCr ??= byte !== LF;
        if (byte === LF) {
          // Second half of a CRLF: the line was already counted at its CR.
          if (this.#completeUnlessLf) {
            this.#completeUnlessLf = false;
            frames.push(this.#take(chunk, start, at + 1));
            start = at + 1;
          }
          continue;
        }
        if (this.#completeUnlessLf) {
          this.#completeUnlessLf = false;
          frames.push(this.#take(chunk, start, at));
          start = at;
        }
      }
      if (byte === LF || byte === CR) {
        const blank = this.#lineEmpty;
        this.#lineEmpty = true;
        this.#afterCr = byte === CR;
        if (byte === CR && this.#loneCr !== true) {
          this.#completeUnlessLf = blank;
        } else if (blank) {
          frames.push(this.#take(chunk, start, at + 1));
          start = at + 1;
        }
      } else {
        this.#lineEmpty = false;
      }
    }
    this.#hold(chunk, start);
    return frames;
  }

  /** What is left when the stream ends: a frame whose blank line never came, or null. */
  finish(): Buffer | null {
    if (this.#heldBytes === 0) return null;
    const rest = Buffer.concat(this.#held, this.#heldBytes);
    this.#held = [];
    this.#heldBytes = 0;
    return rest;
  }

  #take(chunk: Buffer, start: number, end: number): Buffer {
    const tail = chunk.subarray(start, end);
    this.#check(tail.length);
    if (this.#heldBytes === 0) return tail;
    this.#held.push(tail);
    const frame = Buffer.concat(this.#held, this.#heldBytes + tail.length);
    this.#held = [];
    this.#heldBytes = 0;
    return frame;
  }

  #hold(chunk: Buffer, start: number): void {
    if (start === chunk.length) return;
    const rest = chunk.subarray(start);
    this.#check(rest.length);
    this.#held.push(rest);
    this.#heldBytes += rest.length;
  }

  #check(more: number): void {
    if (this.#heldBytes + more > this.#maxFrameBytes) throw new FrameTooLargeError(this.#maxFrameBytes);
  }
}

const BLANK_LINE = /\n\r?\n$|\r\r\n?$|\n\r$/;

/** Whether what follows these bytes is an event of its own. */
export function endsWithBlankLine(bytes: Buffer): boolean {
  return BLANK_LINE.test(bytes.toString('latin1', Math.max(0, bytes.length - 4)));
}

/** What a frame says. `data` is null for a frame of comments only. */
export interface SseMessage {
  readonly event: string | null;
  readonly data: string | null;
  /** Where the data's bytes lie in the frame, when they are one line there; else null. */
  readonly dataAt: { readonly from: number; readonly to: number } | null;
}

/** Reads one frame by the rules of the HTML standard (§9.2.6), except that a missing last blank line is forgiven. */
export function readFrame(frame: Buffer): SseMessage {
  let event: string | null = null;
  let data: string | null = null;
  let dataAt: SseMessage['dataAt'] = null;
  let at = frame[0] === BOM[0] && frame[1] === BOM[1] && frame[2] === BOM[2] ? BOM.length : 0;
  // Each is looked for anew only when it is passed, so that no byte is looked at once for every line before it.
  let lf = placeOf(LF, frame, at);
  let cr = placeOf(CR, frame, at);
  while (at < frame.length) {
    if (lf < at) lf = placeOf(LF, frame, at);
    if (cr < at) cr = placeOf(CR, frame, at);
    const end = Math.min(lf, cr);
    if (isField(frame, at, end, DATA)) {
      const from = startOfValue(frame, at + DATA.length, end);
      const line = frame.toString('utf8', from, end);
      dataAt = data === null ? { from, to: end } : null;
      data = data === null ? line : `${data}\n${line}`;
    } else if (isField(frame, at, end, EVENT)) {
      event = frame.toString('utf8', startOfValue(frame, at + EVENT.length, end), end);
    }
    at = cr < lf && frame[end + 1] === LF ? end + 2 : end + 1;
  }
  return { event, data, dataAt };
}

/** The frame's length where there is none. */
function placeOf(byte: number, frame: Buffer, from: number): number {
  const at = frame.indexOf(byte, from);
  return at === -1 ? frame.length : at;
}

function isField(frame: Buffer, from: number, to: number, name: Buffer): boolean {
  const end = from + name.length;
  if (end > to || (end < to && frame[end] !== COLON)) return false;
  return frame.compare(name, 0, name.length, from, end) === 0;
}

/** Behind the colon, if there is one, and one space. */
function startOfValue(frame: Buffer, from: number, end: number): number {
  const at = Math.min(from + 1, end);
  return at < end && frame[at] === SPACE ? at + 1 : at;
}
