/** What the machine knows of its processes. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** True while a process with this id exists, whoever owns it. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Resolves when no process has this id, or after so long. */
export async function untilGone(pid, withinMs) {
  const deadline = performance.now() + withinMs;
  while (isAlive(pid) && performance.now() < deadline) await sleep(20);
}

/** The command line of a process, empty when there is none. A slim container has no `ps`, a Mac no /proc. */
export async function commandLineOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return run('ps', ['-o', 'command=', '-p', String(pid)]).then(
      ({ stdout }) => stdout,
      () => '', // No such process.
    );
  }
}
