import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { RedisRoles } from '@promptsales/cache-core';
import { createDatabase, freePort, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import fc from 'fast-check';
import request from 'supertest';
import { testApi, type TestApi } from './test-api.js';

/** What a writer does with its record, through one of the two processes; or what befalls Redis. */
type Step =
  | { readonly what: 'write' | 'delete' | 'deal'; readonly by: 0 | 1 }
  | { readonly what: 'kill' | 'restart' | 'trusted' };

/**
 * A record counts its own writes in the field `n`. Whoever asks after the acknowledgement of the n-th gets the n-th or a later
 * one; a record that is not there is as old as its last deletion that was begun.
 */
class Watched {
  readonly id = randomUUID();
  readonly stale: string[] = [];
  reads = 0;
  /** The last write that was begun, that was acknowledged, and that was a deletion. */
  #begun = 0;
  #acknowledged = 0;
  #deletion = 0;
  #exists = false;
  readonly #processes: readonly TestApi[];
  readonly #key: Record<string, string>;

  constructor(processes: readonly TestApi[], key: Record<string, string>) {
    this.#processes = processes;
    this.#key = key;
  }

  async write(by: number): Promise<void> {
    this.#begun += 1;
    const n = this.#begun;
    const server = request(this.#server(by));
    const sent = this.#exists
      ? server.patch(`/leads/${this.id}`).send({ n })
      : server.post('/leads').send({ id: this.id, empresa: 'A', n });
    await sent.set(this.#key).expect(this.#exists ? 200 : 201);
    this.#exists = true;
    this.#acknowledged = n;
  }

  async remove(by: number): Promise<void> {
    if (!this.#exists) return;
    this.#begun += 1;
    this.#deletion = this.#begun;
    await request(this.#server(by)).delete(`/leads/${this.id}`).set(this.#key).expect(204);
    this.#exists = false;
    this.#acknowledged = this.#deletion;
  }

  /** A write beside it, which invalidates it and changes nothing of it. */
  async deal(by: number): Promise<void> {
    if (!this.#exists) return;
    await request(this.#server(by)).post('/oportunidades').set(this.#key).send({ lead_id: this.id }).expect(201);
  }

  async read(by: number): Promise<void> {
    const acknowledged = this.#acknowledged;
    const { status, body, headers } = await request(this.#server(by)).get(`/leads/${this.id}`).set(this.#key);
    const seen = status === 404 ? this.#deletion : (body as { n: number }).n;
    this.reads += 1;
    if (!(seen >= acknowledged)) {
      this.stale.push(`process ${by} answered ${status} ${seen} (${headers['x-cache']}) after ${acknowledged}`);
    }
  }

  #server(by: number): TestApi['server'] {
    const process = this.#processes[by];
    if (process === undefined) throw new Error(`there is no process ${by}`);
    return process.server;
  }
}

describe('a record is never served older than the last acknowledged write', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let processes: TestApi[];
  let running = true;

  beforeAll(async () => {
    redis = await startRedis({ appendOnly: true });
    database = await createDatabase();
    const places = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    processes = [await testApi(places), await testApi(places)];
    for (const { app } of processes) await app.listen(0, '127.0.0.1');
  }, 60_000);

  afterAll(async () => {
    for (const one of processes) await one.close();
    await redis.kill();
    await database.drop();
  });

  const befall = async (what: 'kill' | 'restart' | 'trusted'): Promise<void> => {
    if (what === 'kill' && running) await redis.kill();
    if (what !== 'kill' && !running) await redis.restart();
    running = what !== 'kill';
    // A server that comes back is read again only after a while; what follows then is what it kept.
    if (what !== 'trusted') return;
    while (!processes.every(({ app }) => app.get(RedisRoles).up)) await setTimeout(10);
  };

  /** Steps one after the other, while readers of both processes read without pause. */
  const carryOut = async (steps: readonly Step[]): Promise<void> => {
    const record = new Watched(processes, processes[0]!.admin);
    const over = new AbortController();
    const reader = async (by: number): Promise<void> => {
      while (!over.signal.aborted) await record.read(by);
    };
    const readers = [reader(0), reader(1)];
    try {
      for (const step of steps) {
        if (step.what === 'write') await record.write(step.by);
        else if (step.what === 'delete') await record.remove(step.by);
        else if (step.what === 'deal') await record.deal(step.by);
        else await befall(step.what);
        for (const by of [0, 1]) await record.read(by);
      }
    } finally {
      over.abort();
      await Promise.all(readers);
    }
    expect(record.stale).toEqual([]);
    expect(record.reads).toBeGreaterThan(steps.length);
  };

  const either = fc.constantFrom(0 as const, 1 as const);
  const acts = fc.record({
    what: fc.constantFrom('write' as const, 'write' as const, 'delete' as const, 'deal' as const),
    by: either,
  });
  const fault = fc.record({ what: fc.constantFrom('kill' as const, 'restart' as const, 'trusted' as const) });

  test('over two processes, whichever of them writes', async () => {
    await fc.assert(fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 40 }), carryOut), { numRuns: 8 });
  }, 120_000);

  test('also while Redis is killed and comes back with what it had', async () => {
    const steps = fc.array(fc.oneof({ weight: 6, arbitrary: acts }, { weight: 1, arbitrary: fault }), {
      minLength: 10,
      maxLength: 24,
    });
    await fc.assert(fc.asyncProperty(steps, carryOut), { numRuns: 5, endOnFailure: true });
    await befall('trusted');
  }, 180_000);

  test('also of an import, with Redis there, killed and back', async () => {
    const [first, second] = processes as [TestApi, TestApi];
    const statuses = async (id: string): Promise<number[]> => {
      const asked = [first, second, first, second].map(({ server }) =>
        request(server).get(`/leads/${id}`).set(first.admin),
      );
      return (await Promise.all(asked)).map(({ status }) => status);
    };
    for (const what of ['trusted', 'kill', 'trusted'] as const) {
      await befall(what);
      const id = randomUUID();
      expect(await statuses(id)).toEqual([404, 404, 404, 404]);
      const sent = request(second.server).post('/leads/import').set(first.admin).set('content-type', 'text/csv');
      await sent.send(`id,empresa\n${id},A\n`).expect(200);
      expect(await statuses(id)).toEqual([200, 200, 200, 200]);
      await request(first.server).delete(`/leads/${id}`).set(first.admin).expect(204);
      expect(await statuses(id)).toEqual([404, 404, 404, 404]);
    }
  }, 60_000);

  test('also when the process that writes is the only one that cannot reach Redis', async () => {
    const cutOff = await testApi({ REDIS_URL: `redis://127.0.0.1:${await freePort()}`, DATABASE_URL: database.url });
    try {
      const record = new Watched([...processes, cutOff], cutOff.admin);
      for (let n = 0; n < 5; n += 1) {
        await record.write(n === 0 ? 0 : 2);
        for (const by of [0, 1, 2, 0, 1]) await record.read(by);
      }
      await record.remove(2);
      for (const by of [0, 1, 2]) await record.read(by);
      expect(record.stale).toEqual([]);
    } finally {
      await cutOff.close();
    }
  }, 60_000);
});
