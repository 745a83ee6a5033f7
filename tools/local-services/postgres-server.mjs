/** A local PostgreSQL server on 127.0.0.1 with its data in a given directory. */
import { execFile, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ManagedProcess, removeTree } from './managed-process.mjs';
import { freePort } from './ports.mjs';
import { makeServerDirectory } from './postgres-binary.mjs';
import { commandLineOf, isAlive, untilGone } from './process-table.mjs';

const run = promisify(execFile);

/** How long a server may take to end, on a machine with much else to do. */
const ENDED_WITHIN_MS = 60_000;

/** A start-up message of protocol 3.0. A server that is ready asks for authentication (R); one that is not sends an error. */
const STARTUP = (() => {
  const body = Buffer.from('\0\x03\0\0user\0postgres\0database\0postgres\0\0', 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return Buffer.concat([length, body]);
})();

function acceptsConnections(port, timeoutMs = 10_000) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const finish = (ready) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.on('error', () => finish(false));
    socket.on('close', () => resolve(false));
    socket.on('connect', () => socket.write(STARTUP));
    socket.on('data', (bytes) => finish(bytes[0] === 0x52));
  });
}

/** The pid and port that a running server wrote into its data directory. */
function postmaster(directory) {
  try {
    const lines = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n');
    return { pid: Number(lines[0]), port: Number(lines[3]) };
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Ends a server that an earlier run left behind on this data directory. Its command line names the directory. */
export async function endOrphanedPostgres(directory) {
  const orphan = postmaster(directory);
  if (!orphan || !Number.isInteger(orphan.pid) || !isAlive(orphan.pid)) return false;
  if (!(await commandLineOf(orphan.pid)).includes(`-D ${directory} `)) return false;
  process.kill(orphan.pid, 'SIGINT');
  await untilGone(orphan.pid, ENDED_WITHIN_MS);
  return true;
}

/** Creates a database while no server runs: PostgreSQL's single-user mode reads statements from its standard input. */
function createDatabaseOffline(binary, directory, name) {
  return new Promise((resolve, reject) => {
    const single = spawn(join(binary.bin, 'postgres'), ['--single', '-D', directory, 'postgres'], {
      ...binary.user,
      cwd: '/',
    });
    let output = '';
    for (const stream of [single.stdout, single.stderr]) stream.on('data', (text) => (output += text));
    single.on('error', reject);
    single.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`Creating the database ${name} failed:\n${output}`)),
    );
    single.stdin.end(`CREATE DATABASE ${name};\n`);
  });
}

/**
 * Makes the data directory unless it is there. It is built beside its final place and renamed at the end, so that a
 * killed start leaves nothing half made behind.
 */
async function initialize(binary, { directory, password, database, durable }) {
  if (existsSync(join(directory, 'PG_VERSION'))) return;
  const building = `${directory}.new`;
  const passwordFile = `${directory}.password`;
  rmSync(building, { recursive: true, force: true });
  makeServerDirectory(binary.user, building);
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (binary.user.uid !== undefined) chownSync(passwordFile, binary.user.uid, binary.user.gid);
  try {
    const args = ['-D', building, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8'];
    args.push('--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', ...(durable ? [] : ['--no-sync']));
    await run(join(binary.bin, 'initdb'), args, { ...binary.user, cwd: '/', env: { ...process.env, LC_ALL: 'C' } });
    if (database !== 'postgres') await createDatabaseOffline(binary, building, database);
  } finally {
    rmSync(passwordFile, { force: true });
  }
  rmSync(directory, { recursive: true, force: true });
  renameSync(building, directory);
}

export class LocalPostgres {
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
    const { password, database } = this.#options;
    return `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${this.port}/${database}`;
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
    const { directory, settings, logFile, temporary } = this.#options;
    const again = this.#process !== undefined;
    const fixedPort = this.port !== undefined;
    this.#frozen = false;
    const deadline = performance.now() + ENDED_WITHIN_MS;
    for (;;) {
      const port = this.port ?? (await freePort());
      const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200, ...settings };
      const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
      this.#process = new ManagedProcess(
        join(this.#binary.bin, 'postgres'),
        ['-D', directory, '-p', String(port), ...args],
        {
          ...this.#binary.user,
          cwd: '/',
          env: { ...process.env, LC_ALL: 'C' },
          logFile,
          watchdogSignal: temporary ? 'QUIT' : 'INT',
          removeDirectory: temporary ? dirname(directory) : '',
        },
      );
      try {
        const isOurs = async () => postmaster(directory)?.pid === this.#process.pid && (await acceptsConnections(port));
        await this.#process.untilReady('PostgreSQL', isOurs, 60_000);
        this.port = port;
        return this;
      } catch (error) {
        await this.#process.end('SIGQUIT', ENDED_WITHIN_MS);
        // After a kill -9 the last session may still hold the shared memory for a moment, and who looks whether a port is
        // free holds that for one.
        const lingering = /shared memory block/i.test(error.message);
        const portTaken = (!fixedPort || again) && /could not bind/i.test(error.message);
        if (performance.now() > deadline || !(lingering || portTaken)) throw error;
        await sleep(100);
      }
    }
  }

  /** A fast shutdown: open transactions are rolled back, what is committed is on disk. */
  async stop() {
    await this.#end(this.#options.temporary ? 'SIGQUIT' : 'SIGINT');
    if (this.#options.temporary) removeTree(dirname(this.#options.directory));
  }

  /** The postmaster alone is killed, as by the kernel's out-of-memory killer; its children notice and end. */
  async kill() {
    // The sessions of a frozen one notice nothing.
    if (this.#frozen) this.#signalAll('SIGKILL');
    await this.#process.end('SIGKILL', 1_000);
  }

  freeze() {
    this.#frozen = true;
    this.#signalAll('SIGSTOP');
  }

  thaw() {
    this.#frozen = false;
    this.#signalAll('SIGCONT');
  }

  /** Starts the server again on its port with its data, stopping it first when it still runs. */
  async restart() {
    await this.#end('SIGINT');
    return this.launch();
  }

  async #end(signal) {
    const ended = this.#process.end(signal, ENDED_WITHIN_MS);
    if (this.#frozen) this.#signalAll('SIGCONT');
    await ended;
  }

  /** Sessions are processes of their own (each its own group), so a frozen server means every one of them. */
  #signalAll(name) {
    // As nobody's parent the killed one names no children any more; the frozen one gets none any more.
    const before = name === 'SIGKILL' ? childrenOf(this.pid) : [];
    send(this.pid, name);
    for (const pid of new Set([...before, ...childrenOf(this.pid)])) send(pid, name);
  }
}

function send(pid, name) {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // What ended meanwhile needs no signal.
  }
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return []; // It has ended, or the machine does not tell.
  }
}

/**
 * @param binary what `findPostgres` found
 * @param {{ directory: string, password: string, database?: string, port?: number, settings?: Record<string, string | number>,
 *   logFile?: string, temporary?: boolean }} options `directory` holds `data`; `temporary`: it goes when the server does
 */
export async function startPostgresServer(binary, options) {
  const { directory, password, database = 'postgres', settings = {}, temporary = false } = options;
  mkdirSync(directory, { recursive: true });
  if (binary.user.uid !== undefined && temporary) chownSync(directory, binary.user.uid, binary.user.gid);
  const data = join(directory, 'data');
  if (!temporary) await endOrphanedPostgres(data);
  await initialize(binary, { directory: data, password, database, durable: !temporary });
  const logFile = options.logFile ?? join(directory, 'postgresql.log');
  return new LocalPostgres(binary, {
    directory: data,
    password,
    database,
    settings,
    logFile,
    temporary,
    port: options.port,
  }).launch();
}
