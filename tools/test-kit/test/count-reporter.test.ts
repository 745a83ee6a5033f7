import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'promptsales-reporter-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

/** Runs Jest on the given files with the reporter, and resolves with its exit code and the last line of its output. */
async function run(files: Readonly<Record<string, string>>): Promise<{ code: number; lastLine: string }> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  const reporters = ['default', join(root, 'tools/test-kit/count-reporter.mjs')];
  await writeFile(join(directory, 'jest.config.json'), JSON.stringify({ reporters, transform: {}, maxWorkers: 2 }));
  const jest = join(root, 'node_modules/jest/bin/jest.js');
  return new Promise((resolve) => {
    execFile(
      '/bin/sh',
      ['-c', '"$@" 2>&1', 'sh', process.execPath, jest, '--rootDir', directory],
      { cwd: directory },
      (error, stdout) => {
        resolve({ code: Number(error?.code ?? 0), lastLine: stdout.trimEnd().split('\n').at(-1) ?? '' });
      },
    );
  });
}

describe('the closing line', () => {
  it('counts what passed', async () => {
    expect(await run({ 'a.test.js': 'it("a", () => {}); it("b", () => {});' })).toEqual({
      code: 0,
      lastLine: '2 passed, 0 failed',
    });
  });

  it('counts failures, skipped tests and files that cannot be loaded', async () => {
    const files = {
      'a.test.js': 'it("a", () => {}); it("b", () => { throw new Error("b") }); it.skip("c", () => {}); it.todo("d");',
      'b.test.js': 'require("./nowhere"); it("e", () => {});',
      'c.test.js': 'this is not JavaScript',
    };
    expect(await run(files)).toEqual({ code: 1, lastLine: '1 passed, 3 failed, 2 skipped' });
  });

  it('counts a file whose process dies', async () => {
    const files = {
      'a.test.js': 'it("a", () => {});',
      'b.test.js': 'it("b", () => process.kill(process.pid, "SIGKILL"));',
      'c.test.js': 'it("c", () => {});',
    };
    const { code, lastLine } = await run(files);
    expect(code).toBe(1);
    expect(lastLine).toBe('2 passed, 1 failed');
  });

  it('counts no test at all as a failure of the run', async () => {
    expect(await run({ 'a.test.js': '' })).toEqual({ code: 1, lastLine: '0 passed, 1 failed' });
  });
});
