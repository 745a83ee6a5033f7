import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startRedis, type TestRedis } from '@promptsales/test-kit';
import { service, startProxy, type ProxyServer } from '../proxy-server.js';
import { runSuite, startOrigin, type Kind, type SuiteTest } from './suite.js';

const PAGE = readFileSync(join(import.meta.dirname, '../../../../docs/http-cache-conformance.md'), 'utf8');

describe('the public suite for HTTP caches', () => {
  let redis: TestRedis;
  let proxy: ProxyServer;
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let results: SuiteTest[];

  beforeAll(async () => {
    jest.spyOn(console, 'log').mockImplementation(() => undefined);
    redis = await startRedis();
    origin = await startOrigin();
    proxy = await startProxy({ url: redis.url }, { services: [service(origin.url, { forwardAuthorization: true })] });
    const known = new Set([...listed('required'), ...listed('optimal')]);
    results = await runSuite(`${proxy.url}/proxy/origin`, {
      headers: { 'x-api-key': 'the key of the platform' },
      isExpected: (id, verdict) => known.has(id) === (verdict !== 'pass'),
    });
    jest.restoreAllMocks();
  });

  afterAll(async () => {
    await proxy?.close();
    await origin?.close();
    await redis?.stop();
  });

  it.each([
    ['required', 165, 158],
    ['optimal', 95, 89],
  ] as const)('of its %s tests (%d) %d pass: all but those on the page', (kind, all, passed) => {
    const tests = results.filter((test) => test.kind === kind);
    const failed = tests.filter(({ verdict }) => verdict !== 'pass');
    expect(failed.map(({ id }) => id).toSorted()).toEqual(listed(kind));
    expect([tests.length, tests.length - failed.length]).toEqual([all, passed]);
    expect(PAGE).toContain(`${passed} of the ${all} ${kind}`);
  });
});

/** The tests in the table of the page. */
function listed(kind: Kind): string[] {
  const [, section = ''] = PAGE.split(new RegExp(`^## ${kind} tests that do not pass$`, 'im'));
  const [table = ''] = section.split(/^## /m);
  return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, id = '']) => id).toSorted();
}
