/** Runs a program in the place of this process: its terminal, the signals that this one gets, and its exit code. */
import { spawn } from 'node:child_process';
import { endWithThisProcess } from '../local-services/index.mjs';
import { inWorkspace } from './paths.mjs';

/** @param {{ what: string, env: NodeJS.ProcessEnv }} options `what` was stopped, when a signal ended it */
export function runInForeground(command, args, { what, env }) {
  const child = spawn(command, args, { cwd: inWorkspace('.'), env, stdio: 'inherit' });
  endWithThisProcess({ pid: child.pid, signal: 'TERM' });
  // A Ctrl-C reaches the child by itself, being of the same terminal; a signal to this process alone is handed on.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (signal) console.error(`${what} stopped by ${signal}.`);
      process.exit(code ?? 1);
    });
  });
}
