/** A local Redis server on 127.0.0.1 with its data in a given directory. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ManagedProcess, removeTree } from './managed-process.mjs';
import { freePort } from './ports.mjs';
import { isAlive, untilGone } from './process-table.mjs';

/** How long a server that runs may take to answer, on a machine with much else to do. */
const ANSWERS_WITHIN_MS = 10_000;
/** And how long until it has ended when it was told to. */
const DONE_WITHIN_MS = 30_000;

/** Sends one inline command and resolves with the raw reply, or undefined when there is none in time. */
function ask(port, command, timeoutMs = ANSWERS_WITHIN_MS) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (reply) => {
      socket.destroy();
      resolve(reply);
    };
    let reply = '';
    socket.setTimeout(timeoutMs, () => finish(undefined));
    socket.on('error', () => finish(undefined));
    socket.on('close', () => resolve(undefined));
    socket.on('connect', () => socket.write(`${command}\r\n`));
    socket.on('data', (bytes) => {
      reply += bytes.toString('latin1');
      if (isWhole(reply)) finish(reply);
    });
  });
}

/** Whether a reply has arrived in full: only errors, statuses, bulks and the flat arrays of CONFIG GET are asked for. */
function isWhole(reply) {
  if (/^[+-]/.test(reply)) return reply.endsWith('\r\n');
  const bulk = /^\$(\d+)\r\n/.exec(reply);
  if (bulk) return reply.length >= bulk[0].length + Number(bulk[1]) + 2;
  const items = /^\*(\d+)\r\n/.exec(reply);
  return items !== null && (reply.match(/\r\n/g) ?? []).length >= 1 + 2 * Number(items[1]);
}

const processId = (info) => Number(/process_id:(\d+)/.exec(info ?? '')?.[1]);

/**
 * Ends a server that an earlier run left behind with this data directory (its watchdog was killed as well). It is
 * recognised by what it says of itself, never by its pid alone.
 */
export async function endOrphanedRedis(directory) {
  let record;
  try {
    record = JSON.parse(readFileSync(join(directory, 'server.json'), 'utf8'));
  } catch {
    return false; // Never started here, or the record was cut short: nothing to recognise an orphan by.
  }
  if (!isAlive(record.pid)) return false;
  const config = await ask(record.port, 'CONFIG GET dir');
  const isOurs =
    config?.includes(`\r\n${directory}\r\n`) && processId(await ask(record.port, 'INFO server')) === record.pid;
  if (!isOurs) return false;
  process.kill(record.pid, 'SIGTERM');
  await untilGone(record.pid, DONE_WITHIN_MS);
  return true;
}

export class LocalRedis {
  #binary;
  #options;
  #process;
  #frozen = false;

  constructor(binary, options) {
    this.#binary = binary;
    this.#options = options;
    this.port = options.port;
  }

  get url() {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid() {
    return this.#process.pid;
  }

  get logFile() {
    return this.#options.logFile;
  }

  get exited() {
    return this.#process.exited;
  }

  /** Whether it is at work: neither ended nor frozen. */
  get runs() {
    return !this.#process.hasExited && !this.#frozen;
  }

  async launch() {
    const { directory, appendOnly, databases, args, configFile, logFile, temporary } = this.#options;
    const again = this.#process !== undefined;
    const fixedPort = this.port !== undefined;
    this.#frozen = false;
    for (let attempt = 1; ; attempt += 1) {
      const port = this.port ?? (await freePort());
      const settings = [
        ['port', port],
        ['bind', '127.0.0.1'],
        ['dir', directory],
        ['databases', databases],
        ['save', ''],
        ['appendonly', appendOnly ? 'yes' : 'no'],
        // What is written survives the server's end without it; a disk that is slow at it holds up the server.
        ['appendfsync', temporary ? 'no' : 'everysec'],
        ['daemonize', 'no'],
        ['loglevel', 'notice'],
      ].flatMap(([name, value]) => [`--${name}`, String(value)]);
      const file = configFile === undefined ? [] : [configFile];
      this.#process = new ManagedProcess(this.#binary.command, [...file, ...settings, ...args], {
        cwd: directory,
        env: { ...process.env, ...this.#binary.env },
        logFile,
        watchdogSignal: temporary ? 'KILL' : 'TERM',
        removeDirectory: temporary ? directory : '',
      });
      try {
        // The pid tells our server from another that answers on the same port.
        await this.#process.untilReady(
          'Redis',
          // INFO answers while the data is still being loaded; PING does not.
          async () =>
            processId(await ask(port, 'INFO server')) === this.#process.pid &&
            (await ask(port, 'PING'))?.startsWith('+PONG') === true,
        );
        this.port = port;
        writeFileSync(join(directory, 'server.json'), JSON.stringify({ pid: this.#process.pid, port }));
        return this;
      } catch (error) {
        await this.#process.end('SIGKILL', 1_000);
        // Between finding a port free and binding it, another process may have taken it; and who looks whether a port is
        // free holds it for a moment.
        if ((fixedPort && !again) || attempt === 20 || !/in use/i.test(error.message)) throw error;
        if (again) await sleep(100);
      }
    }
  }

  async stop() {
    const { temporary, directory } = this.#options;
    // Nothing of a temporary one is to be kept, and an orderly end waits for replicas and scripts.
    await this.#process.end(temporary ? 'SIGKILL' : 'SIGTERM', DONE_WITHIN_MS);
    if (temporary) removeTree(directory);
  }

  async kill() {
    await this.#process.end('SIGKILL', 1_000);
  }

  freeze() {
    this.#frozen = true;
    this.#process.signal('SIGSTOP');
  }

  thaw() {
    this.#frozen = false;
    this.#process.signal('SIGCONT');
  }

  /** Starts the server again on its port with its data, stopping it first when it still runs. */
  async restart() {
    await this.#process.end('SIGTERM', DONE_WITHIN_MS);
    mkdirSync(this.#options.directory, { recursive: true });
    return this.launch();
  }
}

/**
 * @param binary what `findRedis` found
 * @param {{ directory: string, port?: number, appendOnly?: boolean, databases?: number, args?: string[],
 *   configFile?: string, logFile?: string, temporary?: boolean }} options `temporary`: the directory goes when the
 *   server does; `configFile`: read before everything else (a Sentinel keeps its state there)
 */
export async function startRedisServer(binary, options) {
  const { directory, appendOnly = false, databases = 16, args = [], temporary = false } = options;
  mkdirSync(directory, { recursive: true });
  if (!temporary) await endOrphanedRedis(directory);
  const logFile = options.logFile ?? join(directory, 'redis.log');
  return new LocalRedis(binary, {
    directory,
    appendOnly,
    databases,
    args,
    configFile: options.configFile,
    logFile,
    temporary,
    port: options.port,
  }).launch();
}
