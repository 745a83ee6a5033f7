/** Runs a program to its end with its output in a log. Interrupting this process takes the program's whole group along. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { endWithThisProcess, lastLines } from '../local-services/index.mjs';
import { inWorkspace, logDirectory } from './paths.mjs';
import { StartError } from './progress.mjs';

/** @param {{ what: string, log: string, env: NodeJS.ProcessEnv }} options `what` failed, when it fails */
export function runLogged(command, args, { what, log, env }) {
  mkdirSync(logDirectory, { recursive: true });
  const logFile = join(logDirectory, log);
  const output = openSync(logFile, 'w');
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: inWorkspace('.'),
      env,
      stdio: ['ignore', output, output],
      detached: true,
    });
    closeSync(output);
    const release = child.pid === undefined ? () => {} : endWithThisProcess({ pid: -child.pid, signal: 'TERM' });
    child.once('error', (error) => reject(new StartError(`${what} failed: ${error.message}`)));
    child.once('exit', (code, signal) => {
      release();
      if (code === 0) return resolve();
      reject(
        new StartError(`${what} failed (${signal ?? `code ${code}`}). ${logFile} ends:\n${lastLines(logFile, 30)}`),
      );
    });
  });
}
