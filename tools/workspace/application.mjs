/** One built process of the product: started on the pinned Node.js, its output in a log, its `ready` line awaited. */
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines, ManagedProcess } from '../local-services/index.mjs';
import { inWorkspace, logDirectory } from './paths.mjs';
import { say, StartError } from './progress.mjs';
import { environmentWithPrograms, runtime } from './runtime.mjs';

/** Long enough for what is in flight to end; the processes have deadlines of their own below it. */
const DRAIN_MS = 30_000;
const SAID_LEVELS = new Set(['warn', 'error', 'fatal']);

/** A new log for each start; the one before is kept beside it. */
export function freshLog(name) {
  mkdirSync(logDirectory, { recursive: true });
  const file = join(logDirectory, `${name}.log`);
  if (existsSync(file)) renameSync(file, join(logDirectory, `${name}.previous.log`));
  return file;
}

/** What a log line has to say to somebody who waits for the start: plain lines, and structured ones from warnings up. */
function worthSaying(line) {
  if (line.trim() === '' || line.startsWith('ready ')) return undefined;
  if (!line.startsWith('{')) return line;
  try {
    const { level, msg } = JSON.parse(line);
    return SAID_LEVELS.has(level) ? msg : undefined;
  } catch {
    return line; // Not JSON after all.
  }
}

export class Application {
  #process;
  /** Lines of the log that were looked at, and whether any of them was said while it was awaited. */
  #seen = 0;
  #told = false;

  constructor(name, script, { args = [], environment = {} } = {}) {
    this.name = name;
    this.logFile = freshLog(name);
    this.#process = new ManagedProcess(runtime(), [inWorkspace(script), ...args], {
      cwd: inWorkspace('.'),
      env: { ...environmentWithPrograms(), ...environment },
      logFile: this.logFile,
      watchdogSignal: 'TERM',
    });
  }

  get pid() {
    return this.#process.pid;
  }

  get exited() {
    return this.#process.exited;
  }

  /** Why the process is gone, with the end of what it said. */
  async describeExit() {
    const { code, signal, error } = await this.exited;
    const how = error ? `could not be started: ${error.message}` : `ended with ${signal ?? `code ${code}`}`;
    // What it had to say stands above already.
    if (this.#told) return `The ${this.name} ${how}. Its log: ${this.logFile}`;
    return `The ${this.name} ${how}. ${this.logFile} ends:\n${lastLines(this.logFile)}`;
  }

  /** Resolves with the address in the process's line `ready … ADDRESS`; tells meanwhile what it has to say. */
  async untilReady(timeoutMs = 90_000) {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const gone = this.#process.hasExited;
      const lines = this.#tell();
      const ready = lines.find((line) => line.startsWith('ready '));
      if (ready) {
        this.#told = false; // What it says from now on is only in the log.
        return ready.split(' ').at(-1);
      }
      if (gone) throw new StartError(await this.describeExit());
      if (Date.now() > deadline) {
        throw new StartError(
          `The ${this.name} was not ready within ${timeoutMs / 1000} s. ${this.logFile} ends:\n${lastLines(this.logFile)}`,
        );
      }
      await sleep(50);
    }
  }

  /** Resolves with how the process ended; tells meanwhile what it has to say. */
  async untilEnded() {
    while (!this.#process.hasExited) {
      this.#tell();
      await Promise.race([this.exited, sleep(50)]);
    }
    this.#tell();
    return this.exited;
  }

  async stop() {
    await this.#process.end('SIGTERM', DRAIN_MS);
  }

  /** Says what is new in the log and worth saying; answers all lines of it. */
  #tell() {
    const lines = readFileSync(this.logFile, 'utf8').split('\n').slice(0, -1);
    for (const line of lines.slice(this.#seen)) {
      const text = worthSaying(line);
      if (text === undefined) continue;
      say(`  │ ${this.name}: ${text}`);
      this.#told = true;
    }
    this.#seen = lines.length;
    return lines;
  }

  kill() {
    this.#process.signal('SIGKILL');
  }
}
