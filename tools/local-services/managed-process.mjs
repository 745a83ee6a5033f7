/**
 * A server process that does not outlive the process that started it.
 *
 * 1. The server runs in a session of its own: a Ctrl-C in the terminal reaches its owner, who stops things in order.
 * 2. A watchdog shell reads from a pipe whose other end only the owner holds. However the owner ends, kill -9 included,
 *    the kernel closes that end, the read returns, and the watchdog ends the server and removes its directory.
 * 3. A server that ended before its owner releases the watchdog, so that its pid, given to another process by then, is
 *    never signalled.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const WATCHDOG = `
read -r released && exit 0
if [ -n "$1" ]; then
  kill -"$2" "$1" 2>/dev/null
  kill -CONT "$1" 2>/dev/null
  tries=0
  while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$1" 2>/dev/null
fi
[ -z "$3" ] || rm -rf "$3"
`;

/**
 * Makes a process (a group, when `pid` is negative), a directory or both end with this process. Returns a function that
 * calls it off.
 * @param {{ pid?: number, signal?: string, removeDirectory?: string }} what
 */
export function endWithThisProcess({ pid, signal = 'KILL', removeDirectory = '' }) {
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', String(pid ?? ''), signal, removeDirectory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  });
  watchdog.unref();
  watchdog.stdin.unref();
  // The watchdog may have been killed with everything else; there is nobody left to tell then.
  watchdog.stdin.on('error', () => watchdog.stdin.destroy());
  return () => watchdog.stdin.end('released\n');
}

/** Removes a directory in which processes that were killed with their server may still be writing their last. */
export function removeTree(path) {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** The last lines of a log, for a message about why a process ended. */
export function lastLines(file, count = 12) {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

export class ManagedProcess {
  #child;
  #exit;

  constructor(command, args, { logFile, watchdogSignal, removeDirectory, ...options }) {
    const log = openSync(logFile, 'a');
    this.logFile = logFile;
    this.#child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#child.unref();
    this.#exit = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve({ code: null, signal: null, error }));
      this.#child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.hasExited = false;
    let release = () => {};
    if (this.#child.pid !== undefined) {
      release = endWithThisProcess({ pid: this.#child.pid, signal: watchdogSignal, removeDirectory });
    }
    void this.#exit.then(() => {
      this.hasExited = true;
      release();
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Resolves with `{ code, signal, error? }` when the process has ended, for whatever reason. */
  get exited() {
    return this.#exit;
  }

  signal(name) {
    if (!this.hasExited) this.#child.kill(name);
  }

  /** Asks the process to end, and after `graceMs` makes it. */
  async end(signal, graceMs) {
    this.#child.ref();
    this.signal(signal);
    // What is frozen hears no request until it goes on, and then hears it before it does anything else.
    this.signal('SIGCONT');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.#exit;
    clearTimeout(timer);
  }

  /** Polls `isReady` until it is true; throws with the end of the log when the process ends first or time runs out. */
  async untilReady(name, isReady, timeoutMs = 60_000) {
    const deadline = Date.now() + timeoutMs;
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 1.5, 100)) {
      if (this.hasExited) {
        const { code, signal, error } = await this.#exit;
        const how = error ? error.message : `ended with ${signal ?? `code ${code}`}`;
        throw new Error(`${name} ${how}. Its log (${this.logFile}) ends:\n${lastLines(this.logFile)}`);
      }
      if (await isReady()) return;
      if (Date.now() > deadline) {
        throw new Error(
          `${name} did not answer within ${timeoutMs / 1000} s. Its log (${this.logFile}) ends:\n${lastLines(this.logFile)}`,
        );
      }
      await sleep(pauseMs);
    }
  }
}
