/**
 * A thousand identical requests at once, half of them streams, to two API processes, several times over.
 *
 * What must hold: each round makes exactly one call of the provider, every request is answered, and all answers agree:
 * the same text under the same completion id, in either form.
 */
import { Agent, request } from 'undici';
import { startStand, type Stand } from '@promptsales/stand';
import type { Verdict } from './verdict.js';

const REQUESTS = 1000;
const ROUNDS = 5;

interface Answer {
  readonly status: number;
  readonly cache: string;
  readonly text: string;
  readonly ids: ReadonlySet<string>;
}

interface Delta {
  readonly id: string;
  readonly choices: readonly {
    readonly delta?: { readonly content?: string };
    readonly message?: { readonly content: string };
  }[];
}

export async function stampede(say: (line: string) => void): Promise<Verdict[]> {
  const stand = await startStand({ apis: 2, firstByteMs: 200 });
  const agent = new Agent({ connections: REQUESTS });
  try {
    const verdicts: Verdict[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) verdicts.push(await oneRound(stand, agent, round, say));
    return verdicts;
  } finally {
    await agent.close();
    await stand.stop();
  }
}

async function oneRound(stand: Stand, agent: Agent, round: number, say: (line: string) => void): Promise<Verdict> {
  const before = stand.upstream.calls;
  const began = performance.now();
  const answers = await Promise.all(
    Array.from({ length: REQUESTS }, (_, n) =>
      ask(
        stand,
        agent,
        stand.apis[n % stand.apis.length]?.address as string,
        `Everybody asks this at once, round ${round}.`,
        n % 4 < 2,
      ),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  const calls = stand.upstream.calls - before;
  const texts = new Set(answers.map(({ text }) => text));
  const ids = new Set(answers.flatMap((answer) => [...answer.ids]));
  const ok = answers.filter(({ status, text }) => status === 200 && text !== '').length;
  const how = Map.groupBy(answers, ({ cache }) => cache);
  say(
    `round ${round}: ${seconds.toFixed(2)} s  ${[...how].map(([cache, some]) => `${cache} ${some.length}`).join('  ')}`,
  );
  return {
    what: `round ${round}: ${calls} upstream call, ${ok} of ${REQUESTS} answered, ${texts.size} text, ${ids.size} completion id`,
    holds: calls === 1 && ok === REQUESTS && texts.size === 1 && ids.size === 1,
  };
}

async function ask(stand: Stand, agent: Agent, address: string, prompt: string, stream: boolean): Promise<Answer> {
  const answer = await request(`${address}/v1/chat/completions`, {
    dispatcher: agent,
    method: 'POST',
    headers: { authorization: `Bearer ${stand.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: prompt }], stream }),
  });
  const body = await answer.body.text();
  const seen = { status: answer.statusCode, cache: String(answer.headers['x-cache'] ?? '') };
  if (answer.statusCode !== 200) return { ...seen, text: '', ids: new Set() };
  const parts = stream ? eventsOf(body) : [JSON.parse(body) as Delta];
  const text = parts.map(({ choices: [choice] }) => choice?.message?.content ?? choice?.delta?.content ?? '').join('');
  return { ...seen, text, ids: new Set(parts.map(({ id }) => id)) };
}

function eventsOf(body: string): Delta[] {
  return body
    .split('\n')
    .filter((line) => line.startsWith('data: {'))
    .map((line) => JSON.parse(line.slice('data: '.length)) as Delta);
}
