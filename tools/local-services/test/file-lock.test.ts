import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock, withLock } from '@promptsales/local-services';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'promptsales-lock-'));
  path = join(directory, 'nested/some.lock');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** The pid of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ['-e', '']).pid;

describe('file lock', () => {
  it('is held by one at a time', async () => {
    const order: string[] = [];
    const hold = (name: string) =>
      withLock(path, async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} ends`);
      });
    const first = tryLock(path);
    expect(first.release).toBeDefined();
    expect(readFileSync(path, 'utf8')).toBe(`${process.pid}\n`);
    first.release?.();
    await hold('one');
    await hold('other');
    expect(order).toEqual(['one begins', 'one ends', 'other begins', 'other ends']);
  });

  it('names the living process that holds it', () => {
    // The parent of a test's process is alive for as long as the test is.
    tryLock(path).release?.();
    writeFileSync(path, `${process.ppid}\n`);
    expect(tryLock(path)).toEqual({ owner: process.ppid });
  });

  it('is taken over from a process that died', () => {
    tryLock(path).release?.();
    writeFileSync(path, `${deadPid()}\n`);
    const lock = tryLock(path);
    expect(lock.release).toBeDefined();
    lock.release?.();
  });

  it('is released when the work fails', async () => {
    await expect(withLock(path, () => Promise.reject(new Error('work failed')))).rejects.toThrow('work failed');
    await expect(withLock(path, () => Promise.resolve('held'))).resolves.toBe('held');
  });

  it('says who holds it when waiting was in vain', async () => {
    tryLock(path).release?.();
    writeFileSync(path, `${process.ppid}\n`);
    await expect(withLock(path, () => Promise.resolve(), 0)).rejects.toThrow(
      `Process ${process.ppid} has held ${path}`,
    );
  });
});
