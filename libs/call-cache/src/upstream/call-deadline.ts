/**
 * One clock for a call until the header of its answer: to connect, to send the body, to wait.
 *
 * While a body is sent, each piece of it that goes on its way is progress; that the whole of it does not trickle is `Pace`'s.
 */
import type { ClientRequest } from 'node:http';
import type { Readable } from 'node:stream';
import { CallError } from '../call-error.js';
import { Pace } from './pace.js';

export interface CallTimes {
  readonly connectTimeoutMs: number;
  /** Until the header of the answer, from when the request was sent; and for each silence while it is sent. */
  readonly headerTimeoutMs: number;
}

export class CallDeadline {
  readonly #request: ClientRequest;
  readonly #times: CallTimes;
  readonly #pace: Pace;
  #since = 0;
  #ended = false;
  #timer: NodeJS.Timeout | undefined;

  /** @param body what is sent piece by piece; null: nothing, or all at once */
  constructor(request: ClientRequest, body: Readable | null, times: CallTimes) {
    this.#request = request;
    this.#times = times;
    this.#pace = new Pace(times.headerTimeoutMs);
    this.#within(times.connectTimeoutMs, () => late('could not be connected to'));
    const connected = (): void => (body === null ? this.#waiting() : this.#sending(body));
    request.on('socket', (socket) => {
      if (socket.connecting) socket.once('encrypted' in socket ? 'secureConnect' : 'connect', connected);
      else connected();
    });
    request.on('finish', () => this.#waiting());
  }

  /** The header is there, or nothing will come. A body may still be on its way. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  #waiting(): void {
    this.#within(this.#times.headerTimeoutMs, () => late('did not answer in time'));
  }

  #sending(body: Readable): void {
    this.#since = performance.now();
    this.#progressed(0);
    body.on('data', (chunk: Buffer) => this.#progressed(chunk.length));
    this.#request.on('drain', () => this.#progressed(0));
  }

  #progressed(bytes: number): void {
    if (this.#request.writableFinished) return;
    const now = performance.now();
    this.#pace.waited(now - this.#since, bytes);
    this.#since = now;
    const ms = Math.min(this.#times.headerTimeoutMs, this.#pace.leftMs);
    // What it has not taken yet, it keeps waiting; what has not come, its caller does.
    const why = (): CallError =>
      this.#request.writableNeedDrain ? late('did not take the request in time') : notSent();
    this.#within(ms, why);
  }

  #within(ms: number, why: () => CallError): void {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    this.#timer = setTimeout(() => this.#request.destroy(why()), ms).unref();
  }
}

export function late(what: string): CallError {
  return new CallError('gateway_timeout', `The service ${what}.`);
}

function notSent(): CallError {
  return new CallError('request_timeout', 'The body of the request did not arrive in time.');
}
