import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tools = join(import.meta.dirname, '../..');

/** A clone as far as `npm start` needs one to find that it already runs. */
describe('npm start in a clone in which it already runs', () => {
  let clone: string;
  let first: ChildProcess;

  beforeAll(async () => {
    clone = mkdtempSync(join(tmpdir(), 'promptsales-twice-'));
    for (const part of ['workspace', 'local-services']) {
      cpSync(join(tools, part), join(clone, 'tools', part), {
        recursive: true,
        filter: (source) => !/node_modules|\/test$/.test(source),
      });
    }
    mkdirSync(join(clone, '.local/locks'), { recursive: true });
    mkdirSync(join(clone, 'first'));
    writeFileSync(
      join(clone, 'first/start.mjs'),
      `import { tryLock } from '../tools/local-services/index.mjs';
       tryLock(${JSON.stringify(join(clone, '.local/locks/start.lock'))});
       console.log('locked');
       setInterval(() => {}, 1000);`,
    );
    first = spawn(process.execPath, [join(clone, 'first/start.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(first.stdout!, 'data');
  });

  afterAll(async () => {
    first.kill('SIGKILL');
    await once(first, 'exit');
    rmSync(clone, { recursive: true });
  });

  it('is refused, and what others need of the first one stays', async () => {
    const running = join(clone, '.local/running.json');
    writeFileSync(running, '{}');
    const ended = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [join(clone, 'tools/workspace/start.mjs')], (error, _stdout, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
    expect(ended).toEqual({
      code: 1,
      stderr: expect.stringContaining(`already runs in this clone (process ${first.pid})`),
    });
    expect(existsSync(running)).toBe(true);
  });
});
