import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

async function start() {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'lifecycle-main.mjs')], { stdio: 'pipe' });
  running.push(child);
  await once(child.stdout, 'data');
  return child;
}

it('writes its last line before it ends', async () => {
  const child = await start();
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.kill('SIGTERM');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(
    said
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg),
  ).toEqual(['shutting down', 'ended']);
});

it('trap 29: a process whose log nobody reads any more ends when it is told to', async () => {
  const child = await start();
  child.stderr.destroy();
  await once(child.stderr, 'close');
  child.kill('SIGTERM');
  expect(await once(child, 'exit')).toEqual([0, null]);
});
