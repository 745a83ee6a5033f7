import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { LocalServer } from '@promptsales/local-services';

/** The clone's folder for what is fetched or made locally. */
export const localDirectory = join(import.meta.dirname, '../../../.local');

function given(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(
      `${name} is not set: tests on real servers run under this workspace's Jest configuration (npm test)`,
    );
  }
  return value;
}

/** A new directory name under the one that goes when the test run ends. */
export const temporaryDirectory = (kind: string): string =>
  join(given('PROMPTSALES_TEST_DIRECTORY'), `${kind}-${randomUUID()}`);

/** The address at which the process of Jest itself answers with the URL of the run's PostgreSQL. */
export const sharedPostgresAddress = (): string => given('PROMPTSALES_TEST_POSTGRES');

const SERVERS = Symbol.for('promptsales.test-kit.servers');

/** Servers of the present test file; `stop-servers-after-file.mjs` ends them. */
export function endWithTestFile<S extends LocalServer>(server: S): S {
  const scope = globalThis as { [SERVERS]?: Set<LocalServer> };
  scope[SERVERS] ??= new Set();
  scope[SERVERS].add(server);
  return server;
}
