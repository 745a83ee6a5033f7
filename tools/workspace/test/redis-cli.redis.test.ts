import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type TestRedis } from '@promptsales/test-kit';

const tools = join(import.meta.dirname, '../..');
const PASSWORD = 'p@ss/word';

/** A clone as far as `npm run redis-cli` needs one; what was fetched for this clone serves it as well. */
describe('npm run redis-cli', () => {
  let clone: string;
  let redis: TestRedis;

  const run = (args: readonly string[], variables: Record<string, string> = {}) => {
    const { REDIS_URL: _url, REDIS_PASSWORD: _password, ...environment } = process.env;
    const env = { ...environment, ...variables };
    return new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile(
        process.execPath,
        [join(clone, 'tools/workspace/redis-cli.mjs'), ...args],
        { env },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });
  };
  const url = (database = '') => `redis://:${encodeURIComponent(PASSWORD)}@127.0.0.1:${redis.port}${database}`;

  beforeAll(async () => {
    redis = await startRedis();
    clone = mkdtempSync(join(tmpdir(), 'promptsales-cli-'));
    for (const part of ['workspace', 'local-services']) {
      cpSync(join(tools, part), join(clone, 'tools', part), {
        recursive: true,
        filter: (source) => !/node_modules|\/test$/.test(source),
      });
    }
    mkdirSync(join(clone, '.local'));
    symlinkSync(join(tools, '../.local/redis-server'), join(clone, '.local/redis-server'));
    await run(['CONFIG', 'SET', 'requirepass', PASSWORD], { REDIS_URL: redis.url });
  });

  afterAll(async () => {
    await redis.kill();
    rmSync(clone, { recursive: true });
  });

  it('says what to do where npm start does not run and no Redis is named', async () => {
    expect(await run(['PING'])).toMatchObject({ code: 1, stderr: expect.stringContaining('npm start does not run') });
  });

  it('asks the Redis that REDIS_URL names, in its database or in another', async () => {
    expect(await run(['SET', 'there', 'yes'], { REDIS_URL: url('/3') })).toMatchObject({ code: 0, stdout: 'OK\n' });
    expect((await run(['GET', 'there'], { REDIS_URL: url('/3') })).stdout).toBe('yes\n');
    expect((await run(['GET', 'there'], { REDIS_URL: url() })).stdout).toBe('\n');
    expect((await run(['-n', '3', 'GET', 'there'], { REDIS_URL: url() })).stdout).toBe('yes\n');
  });

  it('asks the Redis of the running npm start, and none of one that has ended', async () => {
    const running = (pid: number) =>
      writeFileSync(join(clone, '.local/running.json'), JSON.stringify({ pid, environment: { REDIS_URL: url() } }));
    running(process.pid);
    expect(await run(['PING'])).toMatchObject({ code: 0, stdout: 'PONG\n' });
    running(2 ** 30);
    expect((await run(['PING'])).code).toBe(1);
  });
});
