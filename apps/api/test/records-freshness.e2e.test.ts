import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { createDatabase, startRedis, type TestDatabase, type TestRedis } from '@promptsales/test-kit';
import fc from 'fast-check';
import { buildApplications, BuiltProcess, endProcesses } from './built-process.js';
import { SECRETS } from './test-api.js';

/** What a writer does with its record, through one of the two processes; or what befalls Redis. */
type Step =
  | { readonly what: 'write' | 'import' | 'delete' | 'deal'; readonly by: 0 | 1 }
  | { readonly what: 'kill' | 'restart' | 'trusted' };

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: { readonly id?: string; readonly n?: number };
}

/** One operating-system process of the API, and a caller of it. */
class ApiProcess {
  readonly #stores: Readonly<Record<string, string>>;
  #process: BuiltProcess;
  #address = '';

  constructor(stores: Readonly<Record<string, string>>) {
    this.#stores = stores;
    this.#process = new BuiltProcess('api', stores);
  }

  async ready(): Promise<this> {
    this.#address = await this.#process.ready();
    return this;
  }

  async kill(): Promise<void> {
    this.#process.child.kill('SIGKILL');
    await this.#process.exited();
  }

  startAgain(): Promise<this> {
    this.#process = new BuiltProcess('api', this.#stores);
    return this.ready();
  }

  async ask(method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(this.#address + path, {
      method,
      headers: { 'x-api-key': SECRETS.adminKey, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: `${JSON.stringify(body)}\n` }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
    };
  }

  /** As `ask`, where nothing but this answer will do. */
  async must(status: number, ...[method, path, ...more]: Parameters<ApiProcess['ask']>): Promise<Answer> {
    const answer = await this.ask(method, path, ...more);
    if (answer.status === status) return answer;
    throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}

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
  readonly #processes: readonly ApiProcess[];

  constructor(processes: readonly ApiProcess[]) {
    this.#processes = processes;
  }

  async write(by: number, how: 'write' | 'import' = 'write'): Promise<void> {
    this.#begun += 1;
    const n = this.#begun;
    const process = this.#process(by);
    if (this.#exists) await process.must(200, 'PATCH', `/leads/${this.id}`, { n });
    else {
      const made = { id: this.id, empresa: 'A', n };
      if (how === 'write') await process.must(201, 'POST', '/leads', made);
      else await process.must(200, 'POST', '/leads/import', made, { 'content-type': 'application/x-ndjson' });
    }
    this.#exists = true;
    this.#acknowledged = n;
  }

  /** A write whose process is killed after so many milliseconds, whether it has acknowledged it or not. */
  async writeAndDie(by: number, afterMs: number): Promise<void> {
    this.#begun += 1;
    const n = this.#begun;
    const process = this.#process(by);
    const written = process.ask('PATCH', `/leads/${this.id}`, { n }).then(
      ({ status }) => status,
      () => 'not acknowledged',
    );
    await setTimeout(afterMs);
    await process.kill();
    if ((await written) === 200) this.#acknowledged = n;
  }

  async remove(by: number): Promise<void> {
    if (!this.#exists) return;
    this.#begun += 1;
    this.#deletion = this.#begun;
    await this.#process(by).must(204, 'DELETE', `/leads/${this.id}`);
    this.#exists = false;
    this.#acknowledged = this.#deletion;
  }

  /** A write beside it, which invalidates it and changes nothing of it. */
  async deal(by: number): Promise<void> {
    if (this.#exists) await this.#process(by).must(201, 'POST', '/oportunidades', { lead_id: this.id });
  }

  async read(by: number, headers: Record<string, string> = {}): Promise<number> {
    const acknowledged = this.#acknowledged;
    const answer = await this.#process(by).ask('GET', `/leads/${this.id}`, undefined, headers);
    const seen = answer.status === 404 ? this.#deletion : (answer.body.n ?? Number.NaN);
    this.reads += 1;
    if (!(seen >= acknowledged)) {
      const how = answer.headers.get('x-cache');
      this.stale.push(`process ${by} answered ${answer.status} ${seen} (${how}) after ${acknowledged}`);
    }
    return seen;
  }

  #process(by: number): ApiProcess {
    const process = this.#processes[by];
    if (process === undefined) throw new Error(`there is no process ${by}`);
    return process;
  }
}

describe('a record is never served older than the last acknowledged write', () => {
  let redis: TestRedis;
  let database: TestDatabase;
  let stores: Record<string, string>;
  let processes: ApiProcess[];
  let probe: string;
  let running = true;

  beforeAll(async () => {
    [redis, database] = await Promise.all([startRedis({ appendOnly: true }), createDatabase(), buildApplications()]);
    stores = { REDIS_URL: redis.url, DATABASE_URL: database.url };
    processes = await Promise.all([new ApiProcess(stores), new ApiProcess(stores)].map((one) => one.ready()));
    const { body } = await processes[0]!.must(201, 'POST', '/leads', { empresa: 'Probe' });
    probe = `/leads/${body.id}`;
  });

  afterAll(async () => {
    await endProcesses();
    await redis.kill();
    await database.drop();
  });

  /** A server that comes back is read again only after a while; what follows then is what it kept. */
  const trusted = async (process: ApiProcess): Promise<void> => {
    while ((await process.ask('GET', probe)).headers.get('x-cache') !== 'HIT') await setTimeout(10);
  };

  const befall = async (what: 'kill' | 'restart' | 'trusted'): Promise<void> => {
    if (what === 'kill' && running) await redis.kill();
    if (what !== 'kill' && !running) await redis.restart();
    running = what !== 'kill';
    if (what === 'trusted') await Promise.all(processes.map(trusted));
  };

  /** What is done to a record, while readers of both processes read it without pause. */
  const watched = async (
    act: (record: Watched) => Promise<void>,
    readers: readonly number[] = [0, 1],
  ): Promise<Watched> => {
    const record = new Watched(processes);
    const over = new AbortController();
    const reading = readers.map(async (by) => {
      while (!over.signal.aborted) await record.read(by);
    });
    try {
      await act(record);
    } finally {
      over.abort();
      await Promise.all(reading);
    }
    return record;
  };

  const carryOut = async (steps: readonly Step[]): Promise<void> => {
    const { stale, reads } = await watched(async (record) => {
      for (const step of steps) {
        if (step.what === 'write' || step.what === 'import') await record.write(step.by, step.what);
        else if (step.what === 'delete') await record.remove(step.by);
        else if (step.what === 'deal') await record.deal(step.by);
        else await befall(step.what);
        for (const by of [0, 1]) await record.read(by);
      }
    });
    expect(stale).toEqual([]);
    expect(reads).toBeGreaterThan(steps.length);
  };

  const either = fc.constantFrom(0 as const, 1 as const);
  const acts = fc.record({
    what: fc.constantFrom('write' as const, 'write' as const, 'import' as const, 'delete' as const, 'deal' as const),
    by: either,
  });
  const fault = fc.record({ what: fc.constantFrom('kill' as const, 'restart' as const, 'trusted' as const) });

  test('over two processes, whichever of them changes, deletes or imports it', async () => {
    await fc.assert(fc.asyncProperty(fc.array(acts, { minLength: 10, maxLength: 40 }), carryOut), { numRuns: 8 });
  });

  test('also while Redis is killed and comes back with what it had', async () => {
    const steps = fc.array(fc.oneof({ weight: 6, arbitrary: acts }, { weight: 1, arbitrary: fault }), {
      minLength: 10,
      maxLength: 24,
    });
    await fc.assert(fc.asyncProperty(steps, carryOut), { numRuns: 5, endOnFailure: true });
    await befall('trusted');
  });

  test('also when the process that writes it is killed in the middle', async () => {
    for (const afterMs of [1, 4, 8]) {
      const dying = async (record: Watched): Promise<void> => {
        await record.write(1);
        await record.write(0);
        await record.writeAndDie(0, afterMs);
        // Whether it was committed or not: before long the other serves what PostgreSQL has.
        while ((await record.read(1)) !== (await record.read(1, { 'cache-control': 'no-store' }))) await setTimeout(20);
        await record.write(1);
        await record.read(1);
        await processes[0]!.startAgain();
        for (const by of [0, 1]) await record.read(by);
      };
      expect((await watched(dying, [1])).stale).toEqual([]);
    }
  });

  test('also when the process that writes it is the only one that cannot reach Redis', async () => {
    // Nobody listens there.
    const cutOff = await new ApiProcess({ ...stores, REDIS_URL: 'redis://127.0.0.1:9' }).ready();
    const record = new Watched([...processes, cutOff]);
    for (let n = 0; n < 5; n += 1) {
      await record.write(n === 0 ? 0 : 2);
      for (const by of [0, 1, 2, 0, 1]) await record.read(by);
    }
    await record.remove(2);
    for (const by of [0, 1, 2]) await record.read(by);
    expect(record.stale).toEqual([]);
    await cutOff.kill();
  });
});
