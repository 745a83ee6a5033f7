/**
 * What answers take in Redis: asked for through the gateway, with all that it keeps beside them, and the same answers as plain
 * JSON under keys of the same length with the same time to live. From a provider that streams, and from one that does not.
 * The rows of several classes are by bytes: all that they take together.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { startStand, type Stand } from '@promptsales/stand';
import { Redis } from 'ioredis';
import { createHash } from 'node:crypto';
import { createKey } from '../gateway-hit/client.js';
import { Answers, type Answer } from './answers.js';

const ANSWERS = Number(process.env['BENCH_ANSWERS'] ?? 10_000);
/** Of bytes as JSON. Under 1024 nothing is compressed. */
const CLASSES = [
  [200, 512],
  [512, 1024],
  [1024, 2048],
  [2048, 5120],
  [5120, 20_480],
] as const;
/** What the aims speak of. */
const TOGETHER = [
  ['under the threshold', 0, 1024],
  ['from 2 kB on', 2048, Number.POSITIVE_INFINITY],
] as const;
const UNDER_WAY = 16;
const LLM_DATABASE = 1;
const LEAST_KEPT = 0.98;
const TTL_MS = 604_800_000;

type Form = 'stream' | 'JSON';

/** Of one entry, on average. */
interface Taken {
  readonly bytes: number;
  /** By what a key begins with. */
  readonly parts: ReadonlyMap<string, number>;
}

interface Row {
  readonly from: number;
  readonly to: number;
  /** Of one answer, on average: as JSON, and as the events that it was streamed in. */
  readonly json: number;
  readonly events: number;
  readonly ours: Taken;
  readonly plain: Taken;
}

export async function memoryBenchmark(): Promise<void> {
  const answers = new Answers();
  console.log(answers.real ? 'real text' : 'words in no order: there is no text beside the project');
  const provider = new GivenAnswers();
  const baseUrl = await provider.listen();
  const stand = await startStand({ apis: 1, firstByteMs: 0, environmentOf: () => ({ OPENAI_BASE_URL: baseUrl }) });
  const redis = new Redis(stand.redis.url, { db: LLM_DATABASE });
  try {
    const key = await createKey(stand);
    const table: Record<string, object> = {};
    for (const form of ['JSON', 'stream'] as const) {
      provider.form = form;
      const rows: Row[] = [];
      for (const [from, to] of CLASSES) {
        const given = Array.from({ length: Math.ceil(ANSWERS / CLASSES.length) }, () =>
          // As many small ones as large ones, by their logarithm.
          answers.next(Math.round(from * (to / from) ** Math.random())),
        );
        const json = meanOf(given, (one) => one.json.length);
        const events = form === 'JSON' ? 0 : meanOf(given, (one) => one.events().join('').length);
        const ours = await taken(redis, given.length, () => askForAll(stand, key, provider, given));
        const plain = await taken(redis, given.length, () => setAll(redis, given));
        rows.push({ from, to, json, events, ours, plain });
        table[`${form}, ${from} to ${to} bytes`] = printed(rows.slice(-1));
      }
      for (const [name, from, to] of TOGETHER) {
        table[`${form}, ${name}`] = printed(rows.filter((row) => row.from >= from && row.to <= to));
      }
    }
    console.table(table);
  } finally {
    redis.disconnect();
    await stand.stop();
    await provider.stop();
  }
}

/** Classes have as many answers each, so what their averages come to together is what the answers do. */
function printed(rows: readonly Row[]): object {
  const plain = meanOf(rows, (row) => row.plain.bytes);
  const ours = meanOf(rows, (row) => row.ours.bytes);
  const events = meanOf(rows, (row) => row.events);
  const parts = new Set(rows.flatMap((row) => [...row.ours.parts.keys()]));
  return {
    'JSON bytes': Math.round(meanOf(rows, (row) => row.json)),
    'plain bytes': Math.round(plain),
    'ours bytes': Math.round(ours),
    '× plain': ratio(ours, plain),
    ...(events === 0 ? {} : { '× plain and events': Math.round((1000 * ours) / (plain + events)) / 1000 }),
    ...Object.fromEntries(
      [...parts].map((part) => [
        `${part} ×`,
        ratio(
          meanOf(rows, (row) => row.ours.parts.get(part) ?? 0),
          plain,
        ),
      ]),
    ),
  };
}

/** What the server uses more after the work, for one entry, and how that is spread over its keys; all of it is gone afterwards. */
async function taken(redis: Redis, answers: number, work: () => Promise<void>): Promise<Taken> {
  await redis.flushdb();
  const before = await usedMemory(redis);
  await work();
  // What is stored after its answer has left, on a busy machine, is there as well.
  await pause(1000);
  const bytes = (await usedMemory(redis)) - before;
  const parts = new Map<string, number>();
  let entries = 0;
  for await (const keys of redis.scanStream({ count: 500 }) as AsyncIterable<string[]>) {
    const sizes = await Promise.all(keys.map((key) => redis.memory('USAGE', key)));
    for (const [at, key] of keys.entries()) {
      const part = key.split(':', 1)[0] as string;
      if (part === 'llm_cache') entries += 1;
      parts.set(part, (parts.get(part) ?? 0) + (sizes[at] ?? 0));
    }
  }
  await redis.flushdb();
  // On a machine that is too busy for Redis to answer in time, an answer is passed on and not kept.
  if (entries < answers * LEAST_KEPT) throw new Error(`There are ${entries} entries for ${answers} answers.`);
  return { bytes: bytes / entries, parts: new Map([...parts].map(([part, all]) => [part, all / entries])) };
}

async function usedMemory(redis: Redis): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

async function setAll(redis: Redis, given: readonly Answer[]): Promise<void> {
  for (const [at, { json }] of given.entries()) {
    const hash = createHash('sha256').update(String(at)).digest('hex');
    await redis.set(`llm_cache:${hash}`, json, 'PX', TTL_MS);
  }
}

async function askForAll(stand: Stand, key: string, provider: GivenAnswers, given: readonly Answer[]): Promise<void> {
  const [api] = stand.apis;
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const rest = given.values();
  await Promise.all(
    Array.from({ length: UNDER_WAY }, async () => {
      for (const answer of rest) {
        const question = provider.give(answer);
        const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: question }] });
        const response = await fetch(`${api?.address}/v1/chat/completions`, { method: 'POST', headers, body });
        const { choices } = (await response.json()) as { choices?: { message: { content: string } }[] };
        const content = choices?.[0]?.message.content;
        if (content === undefined || !answer.json.includes(JSON.stringify(content))) {
          throw new Error(`Not the answer that was given (${response.status}).`);
        }
      }
    }),
  );
}

/** A provider that gives to each question the answer that was prepared for it. */
class GivenAnswers {
  form: Form = 'stream';
  readonly #answers = new Map<string, Answer>();
  readonly #server: Server;
  #questions = 0;

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const { messages } = JSON.parse(Buffer.concat(chunks).toString()) as { messages: { content: string }[] };
        const question = messages[0]?.content ?? '';
        const answer = this.#answers.get(question);
        this.#answers.delete(question);
        const stream = this.form === 'stream';
        response.setHeader('content-type', stream ? 'text/event-stream' : 'application/json');
        response.end(stream ? answer?.events().join('') : answer?.json);
      });
    });
  }

  /** @returns the question to ask for it */
  give(answer: Answer): string {
    this.#questions += 1;
    const question = `question ${this.#questions}`;
    this.#answers.set(question, answer);
    return question;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }
}

function meanOf<T>(all: readonly T[], of: (one: T) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0) / all.length;
}

function ratio(one: number, other: number): number {
  return Math.round((one / other) * 100) / 100;
}
