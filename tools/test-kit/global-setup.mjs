/**
 * Jest's global set-up: what the tests of one run share. Redis is made available (each test starts servers of its own);
 * PostgreSQL is started when the first test asks for it, by this process, so that it lives as long as the run does.
 */
import { mkdtemp, chmod } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithThisProcess, findPostgres, findRedis, startPostgresServer } from '../local-services/index.mjs';
import { FAST_SETTINGS } from './fast-settings.mjs';

const localDirectory = join(import.meta.dirname, '../../.local');

export default async function globalSetup() {
  const directory = await mkdtemp(join(tmpdir(), 'promptsales-test-'));
  await chmod(directory, 0o711);
  endWithThisProcess({ removeDirectory: directory });

  let postgres;
  const startPostgres = async () =>
    startPostgresServer(await findPostgres(), {
      directory: join(directory, 'postgresql'),
      password: 'test',
      settings: FAST_SETTINGS,
      temporary: true,
    });
  const server = createServer((request, response) => {
    postgres ??= startPostgres();
    // The next test that asks has another try.
    postgres.catch(() => (postgres = undefined));
    postgres.then(
      ({ url }) => response.end(url),
      (error) => {
        response.statusCode = 500;
        response.end(error.message);
      },
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();

  process.env.PROMPTSALES_TEST_DIRECTORY = directory;
  process.env.PROMPTSALES_TEST_POSTGRES = `http://127.0.0.1:${server.address().port}`;
  globalThis.promptsalesTestRun = {
    async stop() {
      server.close();
      if (postgres) await postgres.then((running) => running.stop());
    },
  };

  // Tests that need no Redis run where there is none; startRedis() gives those that do the whole reason.
  await findRedis({ localDirectory, report: (line) => console.log(`redis: ${line}`) }).catch(() => undefined);
}
