import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { endWithThisProcess } from '@promptsales/local-services';
import type { Subject } from './subject.js';

export interface BareSubject extends Subject {
  stop(): Promise<void>;
}

export function startBare(name: string, kind: 'node' | 'fastify', answerFile: string): Promise<BareSubject> {
  return startServer(name, join(import.meta.dirname, 'bare-server.js'), [kind, answerFile]);
}

/** A server in a process of its own, which says `ready URL`. */
export async function startServer(
  name: string,
  script: string,
  argumentsOf: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<BareSubject> {
  const child = spawn(process.execPath, [script, ...argumentsOf], { stdio: ['ignore', 'pipe', 'inherit'], env });
  if (child.pid !== undefined) endWithThisProcess({ pid: child.pid, signal: 'KILL' });
  const [line] = (await Promise.race([
    once(child.stdout.setEncoding('utf8'), 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(`The ${name} server ended at its start.`))),
  ])) as [string];
  return {
    name,
    address: line.trim().replace('ready ', ''),
    pid: child.pid as number,
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
