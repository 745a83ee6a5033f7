/**
 * Sends one request over and over and says what came back, as one line of JSON: `load-process.js URL CONNECTIONS SECONDS`,
 * the request's head and body on standard input. One request is under way on each connection.
 *
 * It writes the same bytes and only looks for the end of each answer, because a whole HTTP client would cost more than the
 * servers that are measured.
 */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { LoadResult } from './load.js';

const [url = '', connections = '1', seconds = '1'] = process.argv.slice(2);
const { hostname, port } = new URL(url);
const request = Buffer.from(await text(process.stdin), 'latin1');

const END_OF_HEAD = '\r\n\r\n';
const LENGTH = /\r\ncontent-length: (\d+)/i;
const CHUNKED = /\r\ntransfer-encoding: chunked/i;
const LAST_CHUNK = '\r\n0\r\n\r\n';
const OWN_TIME = /\r\nserver-timing: cache;dur=([\d.]+)/i;

/** One answer on its way, of which only the head is kept. */
class Answer {
  head = '';
  #bodyBytes = 0;
  #headEnds = -1;
  /** NaN where it comes in chunks. */
  #length = Number.NaN;
  #end = '';

  /** @returns whether this was the end of it */
  take(chunk: string): boolean {
    let body = chunk;
    if (this.#headEnds < 0) {
      this.head += chunk;
      this.#headEnds = this.head.indexOf(END_OF_HEAD);
      if (this.#headEnds < 0) return false;
      body = this.head.slice(this.#headEnds + END_OF_HEAD.length);
      this.#length = Number(LENGTH.exec(this.head)?.[1] ?? Number.NaN);
      if (Number.isNaN(this.#length) && !CHUNKED.test(this.head)) {
        throw new Error(`An answer without a length: ${this.head.slice(0, 200)}`);
      }
    }
    this.#bodyBytes += body.length;
    if (!Number.isNaN(this.#length)) return this.#bodyBytes >= this.#length;
    this.#end = (this.#end + body).slice(-LAST_CHUNK.length);
    return this.#end === LAST_CHUNK;
  }
}

const ownMs: number[] = [];
let answers = 0;
let failures = 0;
let running = true;

await Promise.all(Array.from({ length: Number(connections) }, () => converse()));
const began = performance.now();
function converse(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.setNoDelay(true);
      resolve();
      socket.write(request);
    });
    let answer = new Answer();
    socket.on('error', reject);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      if (!answer.take(chunk)) return;
      count(answer.head);
      answer = new Answer();
      if (running) socket.write(request);
      else socket.end();
    });
  });
}

function count(answer: string): void {
  answers += 1;
  if (!answer.startsWith('HTTP/1.1 200')) failures += 1;
  const own = OWN_TIME.exec(answer)?.[1];
  if (own !== undefined) ownMs.push(Number(own));
}

setTimeout(
  () => {
    running = false;
    const elapsed = (performance.now() - began) / 1000;
    const used = process.cpuUsage();
    ownMs.sort((one, other) => one - other);
    const quantile = (q: number): number | null => ownMs[Math.ceil(q * ownMs.length) - 1] ?? null;
    const result: LoadResult = {
      answers,
      failures,
      seconds: elapsed,
      generatorBusy: (used.user + used.system) / 1e6 / elapsed,
      ownP50Ms: quantile(0.5),
      ownP99Ms: quantile(0.99),
    };
    console.log(JSON.stringify(result));
  },
  Number(seconds) * 1000,
);
