/**
 * A chat completion that has been asked before, over HTTP: ours from the process's own memory (L1) and from Redis, with
 * authentication, ledger and metrics on, beside bare servers that parse the same body and return the same bytes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stand } from '@promptsales/stand';
import { startBare } from './bare-subject.js';
import { createKey, postTo } from './client.js';
import { printRounds, roundsOf } from './rounds.js';
import type { Subject } from './subject.js';
import { withTwoApis } from './two-apis.js';

const CONNECTIONS = 32;
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

export function gatewayHitBenchmark(): Promise<void> {
  return withTwoApis(ANSWER_WORDS, compare);
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
    const rounds = await roundsOf(subjects, (subject) => postTo(subject, PATH, key, BODY), CONNECTIONS);
    if (stand.upstream.calls !== 1) throw new Error(`The provider was called ${stand.upstream.calls} times, not once.`);
    await checkTiers(warm, ours, stand.adminKey);
    printRounds(rounds, 'Fastify');
  } finally {
    await Promise.all(bare.map((one) => one.stop()));
  }
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
