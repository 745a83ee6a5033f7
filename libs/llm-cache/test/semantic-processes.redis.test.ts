/** The semantic tier in processes of their own: what one has learnt, another serves by. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { LLMock } from '@copilotkit/aimock';
import { startRedis, type TestRedis, until } from '@promptsales/test-kit';

const THINGS = ['water', 'iron', 'gold', 'mercury', 'ethanol', 'helium', 'butane'];
const mock = new LLMock({ port: 0, chunkSize: 5 });
const running: ChildProcess[] = [];
let redis: TestRedis;

beforeAll(async () => {
  for (const thing of THINGS) mock.onMessage(new RegExp(thing), { content: `That of ${thing} is known.` });
  await mock.start();
  redis = await startRedis();
});
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.kill('SIGTERM');
    await once(child, 'close');
  }
});
afterAll(async () => {
  await mock.stop();
  await redis.stop();
});

/** Half of what is served may be wrong: a few right answers show it. */
async function startProcess(): Promise<string> {
  const semantic = JSON.stringify({ enabled: true, delta: 0.5, embedder: 'lexical' });
  const main = join(import.meta.dirname, 'gateway-main.mjs');
  const child = spawn(process.execPath, [main, redis.url, `${mock.url}/v1`, semantic], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return line.toString().replace('ready ', '').trim();
}

async function ask(url: string, content: string, more: object = {}): Promise<{ outcome: string; text: string }> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k1' },
    body: JSON.stringify({ model: 'gpt-4o', messages: [{ role: 'user', content }], ...more }),
  });
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
  return { outcome: String(response.headers.get('x-cache')), text: choices[0]?.message.content ?? '' };
}

const first = (thing: string): string => `What is the boiling point of ${thing} then?`;
const second = (thing: string): string => `What's the boiling point of ${thing}, then?`;

it('what one process has learnt, another serves by, and a third that starts afterwards', async () => {
  const [one, other] = await Promise.all([startProcess(), startProcess()]);
  // A seed makes a partition: pairs are asked until one of them is served, which shows that enough has been learnt.
  let served = '';
  for (let seed = 0; served !== 'SEMANTIC' && seed < 20; seed += 1) {
    for (const thing of THINGS.slice(0, -1)) {
      await ask(one, first(thing), { seed });
      ({ outcome: served } = await ask(one, second(thing), { seed }));
    }
  }
  expect(served).toBe('SEMANTIC');
  expect((await ask(one, first('butane'))).outcome).toBe('MISS');
  // Its question is told behind its answer. A wording that came too early is a hit from then on: each is asked once.
  let wordings = 0;
  const asked = async (url: string): Promise<{ outcome: string; text: string }> => {
    let found = { outcome: '', text: '' };
    await until(async () => {
      found = await ask(url, `${second('butane')}${'?'.repeat(wordings++)}`);
      return found.outcome === 'SEMANTIC';
    });
    return found;
  };
  expect(await asked(other)).toEqual({ outcome: 'SEMANTIC', text: 'That of butane is known.' });
  expect(await asked(await startProcess())).toMatchObject({ outcome: 'SEMANTIC' });
});
