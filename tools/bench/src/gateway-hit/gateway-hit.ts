/**
 * A chat completion that has been asked before, over HTTP: ours from the process's own memory (L1) and from Redis, with
 * authentication, ledger and metrics on, beside bare servers that parse the same body and return the same bytes.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startStand, type Stand } from '@promptsales/stand';
import { startBare } from './bare-subject.js';
import { loadFor, type Round } from './load.js';
import type { Subject } from './subject.js';

const CONNECTIONS = 32;
/** Rounds alternate between the subjects, so that what else the machine does meets all of them. */
const ROUNDS = 3;
const WARM_UP_SECONDS = 3;
const ROUND_SECONDS = Number(process.env['BENCH_ROUND_SECONDS'] ?? 4);
/** Makes an answer of 0.8 kB. */
const ANSWER_WORDS = 112;
const PATH = '/v1/chat/completions';
const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [
    { role: 'system', content: 'You are a copywriter of an agency.' },
    { role: 'user', content: 'Write three short messages for the "spring" campaign that speak to first-time buyers.' },
  ],
  temperature: 0.7,
  max_tokens: 300,
});

export async function gatewayHitBenchmark(): Promise<void> {
  const profile = process.env['BENCH_CPU_PROFILE'];
  const stand = await startStand({
    apis: 2,
    environmentOf: (api) => (api === 0 ? {} : { L1_MAX_BYTES: '0' }),
    firstByteMs: 0,
    answerWords: ANSWER_WORDS,
    ...(profile === undefined ? {} : { nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profile}`] }),
  });
  const directory = mkdtempSync(join(tmpdir(), 'promptsales-bench-'));
  try {
    await compare(stand, directory);
  } finally {
    await stand.stop();
    rmSync(directory, { recursive: true });
  }
}

async function compare(stand: Stand, directory: string): Promise<void> {
  const [withL1, withoutL1] = stand.apis;
  if (withL1 === undefined || withoutL1 === undefined) throw new Error('The stand has no API processes.');
  const warm: Subject = { ...withL1, name: 'ours, from L1' };
  const ours: Subject = { ...withoutL1, name: 'ours, from Redis' };
  const key = await createKey(stand);
  const answerFile = join(directory, 'answer.json');
  writeFileSync(answerFile, await firstAnswer(ours, key));
  const bare = await Promise.all([
    startBare('node:http', 'node', answerFile),
    startBare('Fastify', 'fastify', answerFile),
  ]);
  const subjects: Subject[] = [...bare, warm, ours];
  try {
    await checkSameWork(subjects, key);
    const rounds = new Map(subjects.map((subject) => [subject, [] as Round[]]));
    for (const subject of subjects) await loadFor(subject, requestTo(subject, key), CONNECTIONS, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [subject, results] of rounds) {
        // What the one before still has to do (the ledger's last lines) is not this one's.
        await pause(500);
        results.push(await loadFor(subject, requestTo(subject, key), CONNECTIONS, ROUND_SECONDS));
      }
    }
    if (stand.upstream.calls !== 1) throw new Error(`The provider was called ${stand.upstream.calls} times, not once.`);
    await checkTiers(warm, ours, stand.adminKey);
    print(rounds);
  } finally {
    await Promise.all(bare.map((one) => one.stop()));
  }
}

/** A customer's key: the administrator's is checked in another way. */
async function createKey({ adminKey, apis: [api] }: Stand): Promise<string> {
  const response = await fetch(`${api?.address}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'benchmark', tenant: 'bench', scopes: ['llm'] }),
  });
  if (response.status !== 201) throw new Error(`No key was created: ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}

async function ask({ address }: Subject, key: string, body = BODY): Promise<Response> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  return fetch(address + PATH, { method: 'POST', headers, body });
}

async function firstAnswer(ours: Subject, key: string): Promise<Buffer> {
  const response = await ask(ours, key);
  if (response.status !== 200) throw new Error(`Ours does not answer: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

/** The same bytes from each; each has read the body; ours from the cache and for no stranger. */
async function checkSameWork(subjects: readonly Subject[], key: string): Promise<void> {
  const answers = await Promise.all(subjects.map((subject) => ask(subject, key)));
  const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())));
  if (bodies.size !== 1) throw new Error('The subjects do not return the same bytes.');
  if (answers.at(-1)?.headers.get('x-cache') !== 'HIT') throw new Error('Ours did not answer from the cache.');
  const refused = await Promise.all(subjects.map((subject) => ask(subject, key, BODY.slice(0, -1))));
  if (refused.some(({ status }) => status !== 400)) throw new Error('A subject takes a body that is no JSON.');
  const stranger = await ask(subjects.at(-1) as Subject, 'stranger');
  if (stranger.status !== 401) throw new Error('Ours answers a stranger.');
}

/** That each of ours answered from where its name says. */
async function checkTiers(warm: Subject, fromRedis: Subject, adminKey: string): Promise<void> {
  const hits = async ({ address }: Subject, tier: string): Promise<number> => {
    const metrics = await (await fetch(`${address}/metrics`, { headers: { 'x-api-key': adminKey } })).text();
    const sample = new RegExp(`^cache_tier_hits_total\\{.*tier="${tier}".*\\} (\\d+)`, 'm').exec(metrics);
    return Number(sample?.[1] ?? 0);
  };
  const redisShare = (await hits(warm, 'redis')) / (await hits(warm, 'l1'));
  if (!(redisShare < 0.01)) throw new Error(`${redisShare} hits from Redis for each from L1.`);
  if ((await hits(fromRedis, 'l1')) > 0) throw new Error('What is to answer from Redis has an L1.');
}

/** With the headers that a plain client sends. */
function requestTo({ address }: Subject, key: string): string {
  const head = [
    `POST ${PATH} HTTP/1.1`,
    `host: ${new URL(address).host}`,
    'connection: keep-alive',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    'accept: application/json',
    'user-agent: OpenAI/JS 6.0.0',
    `content-length: ${Buffer.byteLength(BODY)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${BODY}`;
}

function print(rounds: ReadonlyMap<Subject, readonly Round[]>): void {
  const measured = [...rounds].map(([{ name }, results]) => ({ name, ...together(results) }));
  const yardstick = measured.find(({ name }) => name === 'Fastify');
  console.table(
    Object.fromEntries(
      measured.map((one) => [
        one.name,
        {
          'requests/s': Math.round(one.perSecond),
          '× Fastify': rounded(one.perSecond / (yardstick?.perSecond ?? Number.NaN)),
          'CPU µs/request': one.cpuMicros === null ? 'unknown' : Math.round(one.cpuMicros),
          'CPU × Fastify': rounded((one.cpuMicros ?? Number.NaN) / (yardstick?.cpuMicros ?? Number.NaN)),
          'own p50 ms': one.ownP50Ms ?? '',
          'own p99 ms': one.ownP99Ms ?? '',
          'generator busy': `${Math.round(one.generatorBusy * 100)} %`,
        },
      ]),
    ),
  );
}

/** The rounds as one; of quantiles the middle round's. */
function together(results: readonly Round[]) {
  const sum = (of: (one: Round) => number | null): number =>
    results.reduce((total, one) => total + (of(one) ?? Number.NaN), 0);
  const middle = (of: (one: Round) => number | null): number | null =>
    results.map(of).toSorted((one, other) => (one ?? 0) - (other ?? 0))[Math.floor(results.length / 2)] ?? null;
  const answers = sum(({ answers: count }) => count);
  const cpuSeconds = sum(({ cpuSeconds: seconds }) => seconds);
  return {
    perSecond: answers / sum(({ seconds }) => seconds),
    cpuMicros: Number.isNaN(cpuSeconds) ? null : (cpuSeconds / answers) * 1e6,
    ownP50Ms: middle(({ ownP50Ms }) => ownP50Ms),
    ownP99Ms: middle(({ ownP99Ms }) => ownP99Ms),
    generatorBusy: sum(({ generatorBusy }) => generatorBusy) / results.length,
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
