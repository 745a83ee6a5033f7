import { withLock } from '@promptsales/local-services';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PATIENT, SECRETS } from './test-api.js';

const root = join(import.meta.dirname, '../../..');

/** Builds what changed, once in a run of the tests: a second build puts files anew from which a process is just starting. */
export async function buildApplications(): Promise<void> {
  const nx = join(root, 'node_modules/nx/dist/bin/nx.js');
  const built = join(process.env['PROMPTSALES_TEST_DIRECTORY'] ?? tmpdir(), 'built');
  await withLock(join(root, '.local/locks/build.lock'), async () => {
    if (existsSync(built)) return;
    await promisify(execFile)(process.execPath, [nx, 'run-many', '-t', 'build'], {
      cwd: root,
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    });
    writeFileSync(built, '');
  });
}

/** One built process as a user starts it. Nothing of this process's own environment reaches it. */
export class BuiltProcess {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  /** It has ended, and all that it said has been read. */
  readonly #closed: Promise<unknown>;

  constructor(application: 'api' | 'worker', env: Readonly<Record<string, string>>) {
    this.child = spawn(process.execPath, [join(root, 'apps', application, 'dist/main.js')], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        PORT: '0',
        WORKER_PORT: '0',
        ADMIN_API_KEY: SECRETS.adminKey,
        ENCRYPTION_KEY: SECRETS.encryptionKey,
        ...PATIENT,
        ...env,
      },
    });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()));
    running.add(this);
    this.#closed = once(this.child, 'close').then(() => running.delete(this));
  }

  /** The address of the line `ready …`. */
  async ready(): Promise<string> {
    const line = await this.#firstMatch(/^ready (?:worker )?(http:\S+)$/m, () => this.stdout);
    return line[1] ?? '';
  }

  said(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#firstMatch(pattern, () => this.stderr);
  }

  async exited(): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
    await this.#closed;
    return { code: this.child.exitCode, signal: this.child.signalCode };
  }

  async #firstMatch(pattern: RegExp, text: () => string): Promise<RegExpExecArray> {
    for (;;) {
      const ended = !running.has(this);
      const match = pattern.exec(text());
      if (match !== null) return match;
      if (ended) {
        const { exitCode, signalCode } = this.child;
        throw new Error(`the process ended with ${signalCode ?? exitCode}:\n${this.stderr}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

const running = new Set<BuiltProcess>();

/** Ends what a failed test left behind. */
export async function endProcesses(): Promise<void> {
  await Promise.all(
    [...running].map(async (process) => {
      process.child.kill('SIGKILL');
      await process.exited();
    }),
  );
}
