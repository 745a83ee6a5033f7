import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  endOrphanedRedis,
  findRedis,
  freePort,
  isAlive,
  isPortFree,
  startRedisServer,
} from '@promptsales/local-services';

const localDirectory = join(import.meta.dirname, '../../../.local');
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'promptsales-services-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const start = async (name: string, options: { temporary?: boolean } = {}) =>
  startRedisServer(await findRedis({ localDirectory }), {
    directory: join(directory, name),
    appendOnly: true,
    ...options,
  });

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 60_000;
  while (!(await what())) {
    if (performance.now() > deadline) throw new Error(`Still not so after 60 s: ${what.toString()}`);
    await sleep(20);
  }
}

function ask(port: number, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (bytes) => {
      resolve(bytes.toString().trim());
      socket.destroy();
    });
  });
}

/** A process that starts a Redis server and says its pid and port, and would live for ever. */
function startOwner(temporary: boolean): Promise<{ owner: number; redis: number; port: number }> {
  const script = `
    import { findRedis, startRedisServer } from ${JSON.stringify(join(import.meta.dirname, '../index.mjs'))};
    const binary = await findRedis({ localDirectory: ${JSON.stringify(localDirectory)} });
    const options = { directory: ${JSON.stringify(join(directory, 'owned'))}, appendOnly: true, temporary: ${temporary} };
    const server = await startRedisServer(binary, options);
    console.log(JSON.stringify({ owner: process.pid, redis: server.pid, port: server.port }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as never));
  });
}

describe('a local server', () => {
  it('ends with its owner, even when that is killed, and takes its temporary directory along', async () => {
    const { owner, redis, port } = await startOwner(true);
    expect(await ask(port, 'PING')).toBe('+PONG');
    process.kill(owner, 'SIGKILL');
    await until(() => isPortFree(port));
    await until(() => !existsSync(join(directory, 'owned')));
    await until(() => !isRunning(redis));
  });

  it('ends with a killed owner even when it is frozen', async () => {
    const { owner, redis } = await startOwner(true);
    process.kill(redis, 'SIGSTOP');
    process.kill(owner, 'SIGKILL');
    await until(() => !isRunning(redis));
    await until(() => !existsSync(join(directory, 'owned')));
    expect(isRunning(redis)).toBe(false);
  });

  it('does nothing more when it is killed while it is frozen', async () => {
    const server = await start('killed');
    for (let round = 0; round < 10; round += 1) {
      const sent = await sendUnanswered(server, `SET sent-${round} yes`);
      await server.kill();
      sent.destroy();
      await server.restart();
      expect(await ask(server.port, `EXISTS sent-${round}`)).toBe(':0');
    }
    await server.stop();
  });

  it('keeps its data when its owner is killed', async () => {
    const { owner, port } = await startOwner(false);
    await ask(port, 'SET kept yes');
    process.kill(owner, 'SIGKILL');
    await until(() => isPortFree(port));
    const again = await start('owned');
    expect(await ask(again.port, 'GET kept')).toContain('yes');
    await again.stop();
  });
});

/** Freezes the server and leaves a command in its socket. */
async function sendUnanswered(server: Awaited<ReturnType<typeof start>>, command: string): Promise<Socket> {
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  server.freeze();
  await new Promise((resolve) => socket.write(`${command}\r\n`, resolve));
  return socket;
}

/** A process that has ended but that nobody has asked about yet still has a pid. */
function isRunning(pid: number): boolean {
  if (!isAlive(pid)) return false;
  const status = `/proc/${pid}/status`;
  return !(existsSync(status) && /^State:\s+Z/m.test(readFileSync(status, 'utf8')));
}

describe('endOrphanedRedis', () => {
  it('ends a server that an earlier run left behind', async () => {
    const server = await start('data');
    expect(await endOrphanedRedis(join(directory, 'data'))).toBe(true);
    expect(await server.exited).toMatchObject({ code: 0 });
  });

  it('leaves alone a server of somebody else that a stale record points at', async () => {
    const other = await start('other');
    const stale = join(directory, 'stale');
    const mine = await start('stale');
    await mine.stop();
    writeFileSync(join(stale, 'server.json'), JSON.stringify({ pid: other.pid, port: other.port }));
    expect(await endOrphanedRedis(stale)).toBe(false);
    expect(await ask(other.port, 'PING')).toBe('+PONG');
    await other.stop();
  });

  it('has nothing to end where nothing was started or the record is cut short', async () => {
    expect(await endOrphanedRedis(join(directory, 'nothing'))).toBe(false);
    writeFileSync(join(directory, 'server.json'), '{"pid":');
    expect(await endOrphanedRedis(directory)).toBe(false);
  });
});

describe('freePort', () => {
  it('gives a port on which one can listen, outside the range of outgoing connections', async () => {
    const port = await freePort();
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(32_000);
    expect(await isPortFree(port)).toBe(true);
  });

  it('gives none twice, nor one that another test process may be given', async () => {
    const ports: number[] = [];
    for (let n = 0; n < 100; n += 1) ports.push(await freePort());
    expect(new Set(ports).size).toBe(100);
    expect(new Set(ports.map((port) => port % 10))).toEqual(new Set([Number(process.env['JEST_WORKER_ID']) % 10]));
  });
});
