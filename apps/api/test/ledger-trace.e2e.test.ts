/** A small `npm run chaos -- ledger`: requests through two API processes while one of them and Redis are killed. */
import { Database } from '@promptsales/database';
import { LedgerReconciler } from '@promptsales/llm-cache';
import {
  type ExportedLine,
  readTrace,
  reckon,
  replayTrace,
  startCountingProxy,
  startTraceProvider,
} from '@promptsales/simulated-provider';
import { createDatabase, startRedis } from '@promptsales/test-kit';
import { buildApplications, BuiltProcess, endProcesses } from './built-process.js';
import { SECRETS, testApi } from './test-api.js';

afterEach(endProcesses);

it('trap 20: what is spent and avoided agrees with a count in front of the provider to the nano-dollar, through kills in mid-stream', async () => {
  const [redis, database] = await Promise.all([startRedis(), createDatabase(), buildApplications()]);
  const provider = await startTraceProvider({ firstByteMs: 50, pieceMs: 20 });
  const proxy = await startCountingProxy({ upstream: provider.url });
  const environment = {
    REDIS_URL: redis.url,
    DATABASE_URL: database.url,
    OPENAI_BASE_URL: `${proxy.url}/v1`,
    ANTHROPIC_BASE_URL: proxy.url,
  };
  const apis = [new BuiltProcess('api', environment), new BuiltProcess('api', environment)] as const;
  const [first, second] = await Promise.all([apis[0].ready(), apis[1].ready()]);
  let killed = false;
  const requests = readTrace('', { requests: 80, speed: 6, echoAfterMs: 700 });
  const observed = await replayTrace({
    requests,
    key: SECRETS.adminKey,
    addressOf: (n) => (n % 2 === 0 && !killed ? first : second),
    say: () => undefined,
    faults: [
      {
        name: 'an API process',
        after: 0.4,
        run: async () => {
          killed = true;
          apis[0].child.kill('SIGKILL');
          await apis[0].exited();
        },
      },
      { name: 'Redis', after: 0.6, run: () => redis.restart().then(() => undefined) },
    ],
  });
  expect(observed.filter(({ whole }) => whole).length).toBeGreaterThan(120);

  const ask = (path: string): Promise<Response> =>
    fetch(`${second}${path}`, { headers: { 'x-api-key': SECRETS.adminKey } });
  // The killed process has been gone for long, as far as whoever reconciles knows.
  const api = await testApi(environment);
  const db = api.app.get(Database).as<{
    ledger_processes: { id: string; last_seen_at: Date };
    ledger_calls: { process_id: string; status: string };
  }>();
  await ask('/v1/savings');
  await db
    .updateTable('ledger_processes')
    .set({ last_seen_at: new Date(Date.now() - 60_000) })
    .where('id', 'in', db.selectFrom('ledger_calls').select('process_id').where('status', '=', 'intent'))
    .execute();
  await new LedgerReconciler(api.app.get(Database).as()).reconcileOrphans();
  await api.close();
  const text = await (await ask('/v1/savings/export')).text();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as ExportedLine);
  const { lost_at_most: told } = (await (await ask('/v1/savings')).json()) as { lost_at_most: number };
  // It counts a process as crashed that was not seen for half a minute; the one that was killed had not been told off by then.
  const lostAtMost = Math.max(told, 1000);
  const spooled = apis.some(({ stderr }) => stderr.includes('PostgreSQL does not answer'));
  const { verdicts, offByNanoUsd } = reckon({ lines, calls: proxy.calls(), observed, lostAtMost, spooled });
  expect(verdicts.filter(({ holds }) => !holds)).toEqual([]);
  expect(offByNanoUsd).toBe(0n);
  expect(new Set(lines.map(({ kind }) => kind))).toEqual(new Set(['call', 'hit']));

  apis[1].child.kill('SIGTERM');
  await apis[1].exited();
  await proxy.stop();
  await provider.stop();
  await redis.kill();
  await database.drop();
});
