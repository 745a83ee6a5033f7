import { randomUUID } from 'node:crypto';
import { findPostgres, type LocalServer, startPostgresServer } from '@promptsales/local-services';
import { Client } from 'pg';
import { FAST_SETTINGS } from '../fast-settings.mjs';
import { endWithTestFile, sharedPostgresAddress, temporaryDirectory } from './test-run.js';

/** A PostgreSQL server of the test's own. `kill` is -9, `freeze` stops its sessions too, `restart` keeps port and data. */
export type TestPostgres = LocalServer;

export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * Starts a server for a test that harms it, about a second. Others share one: see `createDatabase`.
 *
 * `durable`: what it has confirmed survives `kill`, as it does where nobody has traded that for speed.
 */
export async function startPostgres({ durable = false }: { readonly durable?: boolean } = {}): Promise<TestPostgres> {
  const options = {
    directory: temporaryDirectory('postgresql'),
    password: 'test',
    settings: durable ? {} : FAST_SETTINGS,
    temporary: true,
  };
  return endWithTestFile(await startPostgresServer(await findPostgres(), options));
}

async function onSharedServer(statement: string): Promise<string> {
  const answer = await fetch(sharedPostgresAddress(), {
    // A connection kept for later may have been closed by the other side when it is used again.
    headers: { connection: 'close' },
  });
  const url = await answer.text();
  if (!answer.ok) throw new Error(`The test run's PostgreSQL did not start: ${url}`);
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
  return url;
}

/** A fresh, empty database on the run's one PostgreSQL server, which the first call starts. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const url = new URL(await onSharedServer(`CREATE DATABASE ${name}`));
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => {
      await onSharedServer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    },
  };
}
