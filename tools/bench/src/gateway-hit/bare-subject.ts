import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Subject } from './subject.js';

export interface BareSubject extends Subject {
  stop(): Promise<void>;
}

export async function startBare(name: string, kind: 'node' | 'fastify', answerFile: string): Promise<BareSubject> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'bare-server.js'), kind, answerFile], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
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
