/**
 * Readers who take nothing for a while, on real sockets: they hold up neither the call nor anybody else, here or in another
 * process, and what is held for each of them is bounded.
 */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { GatewayProcess, type GatewayProcessOptions } from './gateway-process.js';
import { question } from './questions.js';
import {
  DONE,
  EventReader,
  ROLE,
  say,
  STOP,
  StreamProvider,
  USAGE_CHUNK,
  withoutUsage,
  type Conversation,
} from './stream-provider.js';

const MIB = 1024 * 1024;
const EVENT = say('x'.repeat(16 * 1024));
/** More than the sockets' own buffers take, which the kernel lets grow to several MiB, and less than a flight retains. */
const EVENTS = Math.floor((7.5 * MIB) / EVENT.length);
/** What lies in a process for one connection: a piece, a stream's buffer and a socket's. */
const MOST_BUFFERED = MIB / 4;

let redis: TestRedis;
let provider: StreamProvider;
const running: Gateway[] = [];

interface Gateway {
  readonly process: GatewayProcess;
  readonly sockets: Set<Socket>;
}

async function start(options: Partial<GatewayProcessOptions> = {}): Promise<Gateway> {
  const process = await GatewayProcess.start({ redisUrl: redis.url, providerUrl: provider.baseUrl, ...options });
  const sockets = new Set<Socket>();
  (process.app.getHttpServer() as Server).on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const gateway = { process, sockets };
  running.push(gateway);
  await process.redisUp();
  return gateway;
}

beforeAll(async () => {
  redis = await startRedis();
  provider = await StreamProvider.start();
});
afterAll(async () => {
  await provider.stop();
  await redis.stop();
});
beforeEach(() => provider.reset());
afterEach(async () => {
  for (const { process, sockets } of running.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await process.stop();
  }
});

async function fast({ process }: Gateway, body: object): Promise<EventReader> {
  return new EventReader(await process.post(body));
}

/** The answer of a client that reads no further than its head before it is told to. */
async function slow({ process }: Gateway, body: object): Promise<IncomingMessage> {
  const asking = request(`${process.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: 'Bearer k1' },
    agent: false,
  });
  asking.end(JSON.stringify(body));
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  return response;
}

async function rest(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('latin1')) text += String(chunk);
  return text;
}

/** As fast as it is taken. */
async function tellAll(call: Conversation, events: number): Promise<string> {
  for (let at = 0; at < events; at += 1) {
    if (!call.response.write(EVENT)) await once(call.response, 'drain');
  }
  const end = STOP + USAGE_CHUNK + DONE;
  const finished = once(call.response, 'finish');
  call.response.end(end);
  await finished;
  return withoutUsage(ROLE + EVENT.repeat(events) + end);
}

function mostBuffered(...gateways: readonly Gateway[]): number {
  return Math.max(...gateways.flatMap(({ sockets }) => [...sockets].map(({ writableLength }) => writableLength)));
}

describe('trap 21: readers who take nothing', () => {
  it('wait alone in one process, be it the one who asked first, and miss nothing', async () => {
    const here = await start();
    const body = question({ stream: true });
    const first = slow(here, body);
    const call = await provider.next();
    call.say(ROLE);
    const stuck = [await first, ...(await Promise.all(Array.from({ length: 4 }, () => slow(here, body))))];
    const reader = await fast(here, body);
    const whole = await tellAll(call, EVENTS);
    expect(await reader.rest()).toBe(whole);
    expect(mostBuffered(here)).toBeLessThanOrEqual(MOST_BUFFERED);
    // None of them has read anything since; then each reads at its own time.
    for (const response of stuck) expect(await rest(response)).toBe(whole);
    expect(provider.calls).toBe(1);
  });

  it('wait alone in another process, too', async () => {
    const [here, there] = await Promise.all([start(), start()]);
    const body = question({ stream: true });
    const first = slow(here, body);
    const call = await provider.next();
    call.say(ROLE);
    const stuck = [await first, await slow(there, body), await slow(there, body)];
    const reader = await fast(there, body);
    const whole = await tellAll(call, EVENTS);
    expect(await reader.rest()).toBe(whole);
    expect(mostBuffered(here, there)).toBeLessThanOrEqual(MOST_BUFFERED);
    for (const response of stuck) expect(await rest(response)).toBe(whole);
    expect(provider.calls).toBe(1);
  });

  it('are put off where the answer outgrows what is kept for them, and nobody waits for them', async () => {
    const here = await start({ bounds: { retainBytes: 2 * MIB, windowBytes: MIB / 2, stallMs: 600_000 } });
    const body = question({ stream: true });
    const first = slow(here, body);
    const call = await provider.next();
    call.say(ROLE);
    const stuck = [await first, await slow(here, body)];
    const reader = await fast(here, body);
    const reading = reader.rest();
    const whole = await tellAll(call, 4 * EVENTS);
    expect(await reading).toBe(whole);
    expect(mostBuffered(here)).toBeLessThanOrEqual(MOST_BUFFERED);
    for (const response of stuck) {
      const part = await rest(response);
      const error = part.lastIndexOf('data: {"error"');
      expect(part.slice(error)).toContain('"code":"overloaded"');
      expect(whole.startsWith(part.slice(0, error))).toBe(true);
    }
  });

  it('hold the provider back where nobody reads faster, and not for ever', async () => {
    const here = await start({ bounds: { retainBytes: 2 * MIB, windowBytes: MIB / 2, stallMs: 500 } });
    const body = question({ stream: true });
    const only = slow(here, body);
    const call = await provider.next();
    call.say(ROLE);
    const response = await only;
    void tellAll(call, 8 * EVENTS).catch(() => undefined);
    await call.closed;
    expect(await rest(response)).toContain('"code":"overloaded"');
    expect(here.process.events).toContain('upstream aborted');
  });
});
