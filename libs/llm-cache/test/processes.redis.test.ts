/** The gateway in processes of their own: one call for a thousand requests, and what a killed process leaves behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { Agent, request } from 'undici';
import {
  DONE,
  HELLO,
  ROLE,
  say,
  STOP,
  StreamProvider,
  USAGE_CHUNK,
  withoutUsage,
  EventReader,
} from './stream-provider.js';

interface Process {
  readonly child: ChildProcess;
  readonly url: string;
}

let redis: TestRedis;
let provider: StreamProvider;
const running: Process[] = [];
const agent = new Agent({ connections: 1000, connect: { timeout: 100_000 } });

async function startProcess(): Promise<Process> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'gateway-main.mjs'), redis.url, provider.baseUrl], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const started = { child, url: line.toString().replace('ready ', '').trim() };
  running.push(started);
  return started;
}

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
});
afterEach(async () => {
  for (const { child } of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'close');
  }
  provider.reset();
});
afterAll(async () => {
  await agent.close();
  await provider.stop();
});

function postStreaming(url: string, body: object, route = '/v1/chat/completions'): Promise<Response> {
  return fetch(`${url}${route}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k1' },
    body: JSON.stringify(body),
  });
}

async function post(url: string, body: object): Promise<{ status: number; outcome: string; text: string }> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await request(`${url}/v1/chat/completions`, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: statusCode, outcome: String(headers['x-cache']), text: await answer.text() };
}

function question(content: string, more: object = {}): object {
  return { model: 'gpt-4o', messages: [{ role: 'user', content }], ...more };
}

it('trap 18: a thousand simultaneous identical requests to two processes, half of them streams, make one call', async () => {
  const processes = await Promise.all([startProcess(), startProcess()]);
  const asking = Array.from({ length: 1000 }, (_, at) =>
    post(processes[at % 2]?.url ?? '', question('the same', at % 4 < 2 ? {} : { stream: true })),
  );
  const call = await provider.next();
  call.say(ROLE, say('Hel'));
  await new Promise((resolve) => setTimeout(resolve, 500));
  call.end(say('lo'), STOP, USAGE_CHUNK, DONE);
  const answers = await Promise.all(asking);
  expect(provider.calls).toBe(1);
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  expect(answers.filter(({ outcome }) => outcome === 'MISS')).toHaveLength(1);
  const texts = new Set(answers.map(({ text }) => text));
  expect(texts.size).toBe(2);
  expect(texts.has(withoutUsage(HELLO))).toBe(true);
});

it('trap 21: when the process that leads is killed before the first byte, a follower takes over', async () => {
  const [leader, follower] = await Promise.all([startProcess(), startProcess()]);
  const lost = post(leader.url, question('takeover')).catch(() => 'lost');
  await provider.next();
  const waiting = [
    post(follower.url, question('takeover')),
    post(follower.url, question('takeover', { stream: true })),
  ];
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(provider.calls).toBe(1);
  leader.child.kill('SIGKILL');
  expect(await lost).toBe('lost');
  (await provider.next()).end(HELLO);
  const [json, stream] = await Promise.all(waiting);
  expect(json?.status).toBe(200);
  expect(stream?.text).toBe(withoutUsage(HELLO));
  expect(new Set([json?.outcome, stream?.outcome])).toEqual(new Set(['COALESCED', 'MISS']));
  expect(provider.calls).toBe(2);
});

it('trap 21: when the process that leads is killed in mid-stream, followers get an error event and nothing is stored', async () => {
  const [leader, follower] = await Promise.all([startProcess(), startProcess()]);
  const lost = post(leader.url, question('killed', { stream: true })).catch(() => 'lost');
  const call = await provider.next();
  call.say(ROLE, say('half'));
  const following = new EventReader(await postStreaming(follower.url, question('killed', { stream: true })));
  await following.until('half');
  leader.child.kill('SIGKILL');
  expect(await lost).toBe('lost');
  const text = await following.rest();
  expect(text.startsWith(withoutUsage(ROLE + say('half')))).toBe(true);
  expect(text).toContain('"code":"upstream_died"');
  const again = post(follower.url, question('killed', { stream: true }));
  (await provider.next()).end(HELLO);
  expect(await again).toMatchObject({ outcome: 'MISS', text: withoutUsage(HELLO) });
});

const RESPONSE = { id: 'resp_1', object: 'response', status: 'completed', model: 'gpt-5', output: [] };
const typed = (type: string, more: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`;
const TEXT = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'instruct' };
const text = (said: string, reason: string | null = null): string =>
  `data: ${JSON.stringify({ ...TEXT, choices: [{ text: said, index: 0, logprobs: null, finish_reason: reason }] })}\n\n`;

it.each([
  [
    '/v1/responses',
    { model: 'gpt-5', input: 'live' },
    [
      typed('response.created', { response: { ...RESPONSE, status: 'in_progress' } }),
      typed('response.output_text.delta', { output_index: 0, delta: 'early' }),
      typed('response.completed', { response: RESPONSE }),
    ],
    RESPONSE,
  ],
  [
    '/v1/completions',
    { model: 'instruct', prompt: 'live' },
    [text('very '), text('early'), `${text('', 'stop')}${DONE}`],
    { ...TEXT, choices: [{ text: 'very early', index: 0, logprobs: null, finish_reason: 'stop' }] },
  ],
])(
  'trap 21: a live stream of %s is followed from another process, and taken over when its leader is killed',
  async (route, body, events, json) => {
    const [first = '', second = '', last = ''] = events;
    const [leader, follower] = await Promise.all([startProcess(), startProcess()]);
    const leading = postStreaming(leader.url, { ...body, stream: true }, route);
    const call = await provider.next();
    call.say(first, second);
    const own = new EventReader(await leading);
    await own.until('early');
    const following = new EventReader(await postStreaming(follower.url, { ...body, stream: true }, route));
    await following.until('early');
    const asJson = postStreaming(follower.url, body, route);
    call.end(last);
    expect(await following.rest()).toBe(events.join(''));
    expect(await own.rest()).toBe(events.join(''));
    expect(await (await asJson).json()).toEqual(json);
    expect(provider.calls).toBe(1);

    const anew = { ...body, model: 'another' };
    const lost = postStreaming(leader.url, { ...anew, stream: true }, route).catch(() => 'lost');
    await provider.next();
    const waiting = postStreaming(follower.url, anew, route);
    await new Promise((resolve) => setTimeout(resolve, 200));
    leader.child.kill('SIGKILL');
    expect(await lost).toBe('lost');
    (await provider.next()).end(...events);
    expect(await (await waiting).json()).toEqual(json);
    expect(provider.calls).toBe(3);

    const third = await startProcess();
    const torn = { ...body, model: 'a third' };
    const killed = postStreaming(third.url, { ...torn, stream: true }, route).catch(() => 'lost');
    (await provider.next()).say(first, second);
    const half = new EventReader(await postStreaming(follower.url, { ...torn, stream: true }, route));
    await half.until('early');
    third.child.kill('SIGKILL');
    await killed;
    expect(await half.rest()).toContain('"code":"upstream_died"');
    const asked = postStreaming(follower.url, torn, route);
    (await provider.next()).end(...events);
    expect((await asked).headers.get('x-cache')).toBe('MISS');
  },
);
