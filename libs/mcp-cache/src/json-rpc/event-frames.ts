/**
 * Cuts a stream of server-sent events into its frames without changing a byte of it: what is passed on is what came.
 * (WHATWG HTML §9.2.6: lines end with LF, CR or CR LF, an empty line ends a frame.)
 *
 * 1. In how many pieces a frame comes, a byte of it is copied a bounded number of times: what is held grows by doubling.
 * 2. No byte that a frame was made of is written to again.
 */
export interface EventFrame {
  readonly bytes: Buffer;
  /** Null for a frame without data, such as a comment that keeps a connection alive. */
  readonly data: string | null;
  /** It has an id, from which on its stream can be asked for again. */
  readonly named: boolean;
}

/** A frame longer than this is no message that anybody would keep or show. */
const LONGEST_FRAME_BYTES = 64 * 1024 * 1024;
const LF = 10;
const CR = 13;

export class EventFrames {
  /** Only behind `#to` it is written to. */
  #held: Buffer = Buffer.alloc(0);
  /** Where the rest is in it. */
  #from = 0;
  #to = 0;
  /** How much may be held. What came as a chunk is not ours to write behind. */
  #room = 0;
  /** Up to here, nothing in the rest can be the end of a frame. */
  #searched = 0;

  /** @throws RangeError for a frame without an end */
  push(chunk: Buffer): EventFrame[] {
    this.#hold(chunk);
    const frames: EventFrame[] = [];
    for (let end = this.#end(); end > 0; end = this.#end()) {
      frames.push(frameOf(this.rest.subarray(0, end)));
      this.#from += end;
      this.#searched = 0;
    }
    if (this.#to - this.#from > LONGEST_FRAME_BYTES) throw new RangeError('an event of the server has no end');
    return frames;
  }

  /** What has come of a frame that was cut off. */
  get rest(): Buffer {
    return this.#held.subarray(this.#from, this.#to);
  }

  #hold(chunk: Buffer): void {
    if (this.#from === this.#to) {
      this.#held = chunk;
      this.#from = 0;
      this.#to = this.#room = chunk.length;
      return;
    }
    if (this.#to + chunk.length > this.#room) {
      const { rest } = this;
      this.#held = Buffer.allocUnsafe(2 * (rest.length + chunk.length));
      this.#room = this.#held.length;
      this.#from = 0;
      this.#to = rest.copy(this.#held);
    }
    this.#to += chunk.copy(this.#held, this.#to);
  }

  /** Behind the empty line that ends the first frame; 0 when it has not come yet. */
  #end(): number {
    const bytes = this.rest;
    for (let at = this.#searched; at < bytes.length; at += 1) {
      const first = lineEnd(bytes, at);
      if (first === 0) continue;
      // A CR at the end of what has come may be half of a CR LF.
      const second = lineEnd(bytes, at + first);
      if (second > 0 && !(bytes[at + first] === CR && at + first + 1 === bytes.length)) return at + first + second;
    }
    this.#searched = Math.max(0, bytes.length - 4);
    return 0;
  }
}

function lineEnd(bytes: Buffer, at: number): number {
  if (bytes[at] === LF) return 1;
  if (bytes[at] !== CR) return 0;
  return bytes[at + 1] === LF ? 2 : 1;
}

function frameOf(bytes: Buffer): EventFrame {
  const lines: string[] = [];
  let named = false;
  for (const line of bytes.toString('utf8').split(/\r\n|\r|\n/)) {
    named ||= line.startsWith('id:');
    if (line.startsWith('data:')) lines.push(line.slice(line[5] === ' ' ? 6 : 5));
  }
  const data = lines.join('\n');
  return { bytes, data: data === '' ? null : data, named };
}
