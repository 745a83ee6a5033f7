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
const OWN_TIME = /\r\nserver-timing: cache;dur=([\d.]+)/i;

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
    let pending = '';
    socket.on('error', reject);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      pending += chunk;
      const head = pending.indexOf(END_OF_HEAD);
      if (head < 0) return;
      const length = Number(LENGTH.exec(pending)?.[1] ?? Number.NaN);
      if (Number.isNaN(length)) throw new Error(`An answer without a length: ${pending.slice(0, 200)}`);
      if (pending.length < head + END_OF_HEAD.length + length) return;
      count(pending);
      pending = '';
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
