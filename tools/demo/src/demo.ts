/**
 * `npm run demo`: asks questions through a running platform by the official SDK, half of them as streams, then all again,
 * then each in its other form, and prints a receipt. Exits 1 when a line of the receipt does not hold.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import OpenAI from 'openai';
import { Pool } from 'undici';
import { ask, askPlainly, otherForm, type Asked, type Form } from './ask.js';
import { ownQuestions, questions } from './questions.js';
import { checks, receipt } from './receipt.js';
import { round, type Round } from './round.js';
import {
  findRunningPlatform,
  makeKey,
  revokeKey,
  savings,
  type RunningPlatform,
  upstreamCounts,
  type UpstreamCounts,
} from './running-platform.js';

const CONCURRENCY = 32;
const MOST_QUESTIONS = 2000;
const HEADERS = { 'x-campana-id': 'demonstration' };
const workspaceRoot = join(import.meta.dirname, '../../..');

async function main(): Promise<boolean> {
  const platform = await findRunningPlatform(workspaceRoot, process.env);
  const { list, source } = questions(join(workspaceRoot, '../shared/data/question-pairs.jsonl.gz'), MOST_QUESTIONS);
  console.log(`${list.length} questions (${source}) to ${platform.address}, ${CONCURRENCY} at a time`);
  if (platform.simulated) console.log('The provider is simulated: so are the answers, the tokens and the money.');

  const run = randomUUID();
  const began = new Date();
  const pool = new Pool(platform.address, { connections: CONCURRENCY });
  await warmUp(platform, pool, `demo-${run.slice(0, 8)}-warm`);
  const { id, key } = await makeKey(platform, `demo-${run.slice(0, 8)}`);
  const client = clientOf(platform, key);

  const rounds: Round[] = [];
  const reached: (UpstreamCounts | null)[] = [];
  const pass = async (name: string, work: (index: number, question: string) => Promise<Asked>): Promise<void> => {
    const before = await upstreamCounts(platform);
    rounds.push(await round(name, list.length, CONCURRENCY, (index) => work(index, list[index] as string)));
    reached.push(difference(before, await upstreamCounts(platform)));
  };
  try {
    await pass('first time', (index, question) => ask(client, question, formOf(index), HEADERS));
    await pass('again', (index, question) => ask(client, question, formOf(index), HEADERS));
    await pass('again, in the other form', (index, question) =>
      ask(client, question, otherForm(formOf(index)), HEADERS),
    );
    await pass('again, by a plain HTTP client', (_index, question) => askPlainly(pool, key, question, HEADERS));
    const ledger = await savings(platform, key, began);
    const result = { rounds, reached, ledger, different: countDifferent(rounds), simulated: platform.simulated };
    console.log(receipt(result));
    return checks(result).every(({ holds }) => holds !== false);
  } finally {
    await pool.close();
    await revokeKey(platform, id);
  }
}

/** So that what is measured is not the compiling of code that runs for the first time, on either side. Counts for nobody. */
async function warmUp(platform: RunningPlatform, pool: Pool, tenant: string): Promise<void> {
  const { id, key } = await makeKey(platform, tenant);
  const client = clientOf(platform, key);
  try {
    for (const form of ['json', 'stream', 'json', 'stream'] as const) {
      await Promise.all(ownQuestions.map((question) => ask(client, question, form, HEADERS)));
      await Promise.all(ownQuestions.map((question) => askPlainly(pool, key, question, HEADERS)));
    }
  } finally {
    await revokeKey(platform, id);
  }
}

function clientOf(platform: RunningPlatform, apiKey: string): OpenAI {
  return new OpenAI({ baseURL: `${platform.address}/v1`, apiKey, maxRetries: 0 });
}

function formOf(index: number): Form {
  return index % 2 === 0 ? 'json' : 'stream';
}

function difference(before: UpstreamCounts | null, after: UpstreamCounts | null): UpstreamCounts | null {
  if (before === null || after === null) return null;
  return {
    requests: after.requests - before.requests,
    inputTokens: after.inputTokens - before.inputTokens,
    outputTokens: after.outputTokens - before.outputTokens,
  };
}

function countDifferent([first, ...repeats]: readonly Round[]): number {
  return repeats.flatMap((one) => one.asked.filter(({ text }, index) => text !== first?.asked[index]?.text)).length;
}

main().then(
  (holds) => {
    process.exitCode = holds ? 0 : 1;
  },
  (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
);
