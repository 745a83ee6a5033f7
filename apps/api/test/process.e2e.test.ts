import { startSimulatedProvider } from '@promptsales/simulated-provider';
import {
  createDatabase,
  freePort,
  startPostgres,
  startRedis,
  type TestDatabase,
  type TestRedis,
} from '@promptsales/test-kit';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { buildApplications, BuiltProcess, endProcesses } from './built-process.js';
import { SECRETS } from './test-api.js';

describe('built processes', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let stores: { REDIS_URL: string; DATABASE_URL: string };

  beforeAll(async () => {
    [redis, database] = await Promise.all([startRedis(), createDatabase(), buildApplications()]);
    stores = { REDIS_URL: redis.url, DATABASE_URL: database.url };
  });

  afterEach(endProcesses);

  afterAll(() => database.drop());

  it('say ready on standard output and nothing else there, answer, and end with 0 on SIGTERM', async () => {
    const api = new BuiltProcess('api', stores);
    const [apiAddress, [worker, workerAddress]] = await Promise.all([api.ready(), workerOnAPort(stores)]);
    for (const address of [apiAddress, workerAddress]) {
      expect((await fetch(`${address}/health/ready`)).status).toBe(200);
    }
    api.child.kill('SIGTERM');
    worker.child.kill('SIGINT');
    expect(await api.exited()).toEqual({ code: 0, signal: null });
    expect(await worker.exited()).toEqual({ code: 0, signal: null });
    expect(api.stdout).toBe(`ready ${apiAddress}\n`);
    expect(worker.stdout).toBe(`ready worker ${workerAddress}\n`);
    for (const secret of Object.values(SECRETS)) expect(api.stderr + worker.stderr).not.toContain(secret);
  });

  it('say each variable that is wrong, and end with 1', async () => {
    const api = new BuiltProcess('api', { ...stores, PORT: 'eighty', ENCRYPTION_KEY: 'short-secret' });
    expect(await api.exited()).toMatchObject({ code: 1 });
    expect(api.stderr).toMatch(/^ +PORT: got/m);
    expect(api.stderr).toMatch(/^ +ENCRYPTION_KEY: got/m);
    expect(api.stderr).not.toMatch(/short-secret| {4}at /);
    expect(api.stdout).toBe('');
  });

  it.each([
    ['api', 'PORT'],
    ['worker', 'WORKER_PORT'],
  ] as const)('the %s names %s when the port is taken, and ends with 1', async (application, variable) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const process = new BuiltProcess(application, { ...stores, [variable]: String(port) });
    expect(await process.exited()).toMatchObject({ code: 1 });
    expect(process.stderr).toContain(`${variable}: port ${port} of 127.0.0.1 is in use`);
    expect(process.stderr).not.toMatch(/ {4}at |EADDRINUSE/);
    taken.close();
  });

  it('wait for PostgreSQL with a line a second, and go on when it comes', async () => {
    const postgres = await startPostgres();
    await postgres.kill();
    const api = new BuiltProcess('api', { ...stores, DATABASE_URL: postgres.url });
    await api.said(/PostgreSQL[^\n]*\n[^\n]*PostgreSQL/);
    await postgres.restart();
    const address = await api.ready();
    expect((await fetch(`${address}/health`)).status).toBe(200);
    api.child.kill('SIGTERM');
    expect(await api.exited()).toMatchObject({ code: 0 });
  });

  it('end with the reason when Redis appears late and may evict what must not be lost', async () => {
    const late = await startRedis({ args: ['--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru'] });
    await late.kill();
    const api = new BuiltProcess('api', { ...stores, REDIS_URL: late.url, REQUIRE_SAFE_EVICTION: 'true' });
    await api.ready();
    await late.restart();
    expect(await api.exited()).toMatchObject({ code: 1 });
    expect(api.stderr).toMatch(/^api must not go on\nREQUIRE_SAFE_EVICTION: is true, and Redis may evict keys of /m);
    expect(api.stderr).toMatch(/"level":"fatal".*"code":"unsafe_eviction"/);
  });

  it('trap 29: finish what is under way on SIGTERM, refuse what comes later, and end at once on a second signal', async () => {
    const api = new BuiltProcess('api', stores);
    const address = new URL(await api.ready());
    const socket = connect(Number(address.port), address.hostname);
    await once(socket, 'connect');
    await beginRequest(socket);
    api.child.kill('SIGTERM');
    await api.said(/shutting down/);
    const late = connect(Number(address.port), address.hostname);
    const [refused] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(refused.code).toBe('ECONNREFUSED');
    socket.write(BODY);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 201 /);
    expect(await api.exited()).toMatchObject({ code: 0 });

    const stuck = new BuiltProcess('api', stores);
    const other = new URL(await stuck.ready());
    const hanging = connect(Number(other.port), other.hostname);
    await once(hanging, 'connect');
    await beginRequest(hanging);
    stuck.child.kill('SIGTERM');
    await stuck.said(/shutting down/);
    stuck.child.kill('SIGTERM');
    expect(await stuck.exited()).toMatchObject({ code: 143 });
    hanging.destroy();
  });

  it('trap 29: a stream under way at SIGTERM is whole, and neither it nor the last hits are missing from the ledger', async () => {
    const provider = await startSimulatedProvider({ betweenChunksMs: 60 });
    const upstream = { ...stores, OPENAI_BASE_URL: provider.openaiBaseUrl, SIMULATED_UPSTREAM: 'true' };
    const api = new BuiltProcess('api', upstream);
    const address = await api.ready();
    const ask = (content: string, stream: boolean): Promise<Response> =>
      fetch(`${address}/v1/chat/completions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRETS.adminKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o-mini', stream, messages: [{ role: 'user', content }] }),
      });
    const key = await fetch(`${address}/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${SECRETS.adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'reader', tenant: 'default', scopes: ['analytics'] }),
    });
    const reader = ((await key.json()) as { key: string }).key;
    await (await ask('hit', false)).text();
    const streaming = await ask('streamed', true);
    for (let n = 0; n < 5; n += 1) await (await ask('hit', false)).text();
    api.child.kill('SIGTERM');
    const text = await streaming.text();
    expect(text.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(await api.exited()).toMatchObject({ code: 0 });

    const next = new BuiltProcess('api', upstream);
    const report = await fetch(`${await next.ready()}/v1/savings`, { headers: { 'x-api-key': reader } });
    expect(await report.json()).toMatchObject({
      total: { requests: 7, hits: 5, upstream_calls: 2, unsettled_requests: 0, unknown_requests: 0 },
    });
    await provider.stop();
  });
});

async function workerOnAPort(stores: Readonly<Record<string, string>>): Promise<[BuiltProcess, string]> {
  for (;;) {
    const worker = new BuiltProcess('worker', { ...stores, WORKER_PORT: String(await freePort()) });
    try {
      return [worker, await worker.ready()];
    } catch (error) {
      // Between finding it free and binding it, another process may have taken it.
      if (!String(error).includes('is in use')) throw error;
    }
  }
}

const BODY = JSON.stringify({ name: 'late', tenant: 'acme', scopes: ['llm'] });

/** Resolves when the server has the head of a request, whose body is still to come: it is under way. */
async function beginRequest(socket: Socket): Promise<void> {
  const head = [
    'POST /v1/keys HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${SECRETS.adminKey}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(BODY)}`,
    'Expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toBe('HTTP/1.1 100 Continue\r\n\r\n');
}
