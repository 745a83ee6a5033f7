/**
 * A stream of two hundred events that was recorded before, asked for by two hundred at a time: ours from the process's own
 * memory and from Redis, beside a bare Fastify that writes the same events.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stand } from '@promptsales/stand';
import { startServer } from '../gateway-hit/bare-subject.js';
import { createKey, postTo } from '../gateway-hit/client.js';
import { printRounds, roundsOf } from '../gateway-hit/rounds.js';
import type { Subject } from '../gateway-hit/subject.js';
import { withTwoApis } from '../gateway-hit/two-apis.js';

const READERS = 200;
const EVENTS = 200;
/** Eight words an event; the role, the end, the usage and `[DONE]` are events of their own. */
const ANSWER_WORDS = (EVENTS - 4) * 8;
const PATH = '/v1/chat/completions';
const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Write a long story for the "spring" campaign.' }],
  stream: true,
  stream_options: { include_usage: true },
});

export function gatewayStreamBenchmark(): Promise<void> {
  return withTwoApis(ANSWER_WORDS, compare);
}

async function compare(stand: Stand, directory: string): Promise<void> {
  const [withL1, withoutL1] = stand.apis;
  if (withL1 === undefined || withoutL1 === undefined) throw new Error('The stand has no API processes.');
  const key = await createKey(stand);
  const ours: Subject[] = [
    { ...withL1, name: 'ours, from L1' },
    { ...withoutL1, name: 'ours, from Redis' },
  ];
  const file = join(directory, 'answer.txt');
  const recorded = await streamOf(ours[0] as Subject, key);
  const events = recorded.text.split('\n\n').length - 1;
  if (events !== EVENTS) throw new Error(`The stream has ${events} events, not ${EVENTS}.`);
  writeFileSync(file, recorded.text);
  const script = join(import.meta.dirname, 'bare-stream-server.js');
  const bare = await Promise.all([
    startServer('Fastify', script, ['frames', file]),
    startServer('Fastify, in one piece', script, ['whole', file]),
  ]);
  try {
    const subjects = [...bare, ...ours];
    for (const subject of subjects) {
      const { text, cache } = await streamOf(subject, key);
      if (text !== recorded.text) throw new Error(`${subject.name} does not stream the same bytes.`);
      if (ours.includes(subject) && cache !== 'HIT') throw new Error('Ours did not answer from the cache.');
    }
    const rounds = await roundsOf(subjects, (subject) => postTo(subject, PATH, key, BODY), READERS);
    if (stand.upstream.calls !== 1) throw new Error(`The provider was called ${stand.upstream.calls} times, not once.`);
    printRounds(rounds, 'Fastify');
  } finally {
    await Promise.all(bare.map((one) => one.stop()));
  }
}

async function streamOf({ address }: Subject, key: string): Promise<{ text: string; cache: string | null }> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const response = await fetch(address + PATH, { method: 'POST', headers, body: BODY });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`No stream: ${text}`);
  return { text, cache: response.headers.get('x-cache') };
}
