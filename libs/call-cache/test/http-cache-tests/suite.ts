/** The public suite for HTTP caches (npm `http-cache-tests`), run against a cache in front of its server. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fetch, { type RequestInit } from 'node-fetch';
import { getResults, runTests } from 'http-cache-tests/client/runner.mjs';
import { makeCacheTest, testResults } from 'http-cache-tests/client/test.mjs';
import handleConfig from 'http-cache-tests/server/handle-config.mjs';
import handleState from 'http-cache-tests/server/handle-state.mjs';
import handleTest from 'http-cache-tests/server/handle-test.mjs';
import suites from 'http-cache-tests/tests/index.mjs';
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs';

export type Kind = 'required' | 'optimal' | 'check';
export type Verdict = 'pass' | 'fail' | 'setup' | 'retry' | 'dependency' | 'untested';

export interface SuiteTest {
  readonly id: string;
  readonly suite: string;
  readonly name: string;
  readonly kind: Kind;
  readonly verdict: Verdict;
  readonly message: string;
}

const ALL = [...suites, surrogate].flatMap(({ id: suite, tests }) =>
  tests.filter((test) => test.browser_only !== true).map((test) => ({ ...test, suite })),
);
const BY_ID = new Map(ALL.map((test) => [test.id, test]));
const HANDLERS = { config: handleConfig, test: handleTest, state: handleState } as const;

/** The suite's own origin, on a port of its own. */
export async function startOrigin(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    const [, dispatch = '', ...segments] = new URL(request.url ?? '/', 'http://origin').pathname.split('/');
    const handle = HANDLERS[dispatch as keyof typeof HANDLERS];
    if (handle === undefined) response.writeHead(404).end();
    else handle(segments, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface SuiteRun {
  readonly headers: Readonly<Record<string, string>>;
  /** Of tests that are to pass or not; `check` has no verdict that would be right. */
  readonly isExpected: (id: string, verdict: Verdict) => boolean;
}

/** A second too much between two requests, and what was to be fresh is not. */
const MOST_REPEATS = 3;

/**
 * Each test with its verdict, by the suite's own rules: one whose setup or whose dependency fails has not passed. The suite's
 * tests keep to seconds of their own, which a busy machine may miss: what comes out otherwise than expected beside all the
 * others is asked again beside few.
 */
export async function runSuite(baseUrl: string, { headers, isExpected }: SuiteRun): Promise<SuiteTest[]> {
  const asked = Object.entries(headers);
  const through = (url: string, init: RequestInit = {}): ReturnType<typeof fetch> => {
    const given = (init.headers ?? []) as string[][];
    return fetch(url, { ...init, headers: [...given, ...asked] });
  };
  const only = process.env['HTTP_CACHE_TEST'];
  const chosen =
    only === undefined
      ? [...suites, surrogate]
      : [{ tests: ALL.filter(({ id }) => id === only).map((t) => ({ ...t, dump: true })) }];
  await runTests(chosen, through, false, baseUrl, ALL.length);
  const mostRepeats = only === undefined ? MOST_REPEATS : 0;
  for (let repeats = 0; repeats < mostRepeats; repeats += 1) {
    const results = getResults();
    const odd = ALL.filter(({ id, kind }) => kind !== 'check' && !isExpected(id, verdictOf(id, results)));
    for (const { id } of odd) delete testResults[id];
    await Promise.all(odd.map(makeCacheTest));
  }
  const results = getResults();
  return ALL.map((test) => {
    const result = results[test.id];
    return {
      id: test.id,
      suite: test.suite,
      name: test.name,
      kind: test.kind ?? 'required',
      verdict: verdictOf(test.id, results),
      message: Array.isArray(result) ? result.join(': ') : '',
    };
  });
}

function verdictOf(id: string, results: ReturnType<typeof getResults>): Verdict {
  const result = results[id];
  if (result === undefined) return 'untested';
  const waitsFor = BY_ID.get(id)?.depends_on ?? [];
  if (waitsFor.some((other) => BY_ID.has(other) && verdictOf(other, results) !== 'pass')) return 'dependency';
  if (result === true) return 'pass';
  if (result[0] !== 'Setup') return 'fail';
  return result[1] === 'retry' ? 'retry' : 'setup';
}
