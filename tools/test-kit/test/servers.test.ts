import { connect } from 'node:net';
import { createDatabase, freePort, startPostgres, startRedis } from '@promptsales/test-kit';
import { Client } from 'pg';

/** How long an answer may take on a machine with much else to do, and after what time there will be none. */
const PATIENT_MS = 60_000;
const IMPATIENT_MS = 500;

/** One inline command of the Redis protocol, as plain text. */
function redis(url: string, command: string, timeoutMs = PATIENT_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error('no answer')));
    socket.once('connect', () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (bytes) => {
      resolve(bytes.toString().trim());
      socket.destroy();
    });
  });
}

async function query(url: string, statement: string, timeoutMs = PATIENT_MS): Promise<unknown[]> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(statement);
    return rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

describe('startRedis', () => {
  it('starts servers that share nothing', async () => {
    const [one, other] = await Promise.all([startRedis(), startRedis()]);
    await redis(one.url, 'SET who one');
    expect(await redis(other.url, 'EXISTS who')).toBe(':0');
    expect(one.port).not.toBe(other.port);
  });

  it('keeps its append-only data and port over kill and restart', async () => {
    const server = await startRedis({ appendOnly: true, args: ['--appendfsync', 'always'] });
    const { port, pid } = server;
    await redis(server.url, 'SET kept yes');
    await server.kill();
    await expect(redis(server.url, 'PING')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await redis(server.url, 'GET kept')).toContain('yes');
  });

  it('freezes without losing the connection and thaws', async () => {
    const server = await startRedis();
    server.freeze();
    await expect(redis(server.url, 'PING', IMPATIENT_MS)).rejects.toThrow('no answer');
    server.thaw();
    expect(await redis(server.url, 'PING')).toBe('+PONG');
  });

  it('listens on the port it is told and passes arguments on', async () => {
    const port = await freePort();
    const server = await startRedis({ port, args: ['--maxmemory', '5mb'] });
    expect(await redis(`redis://127.0.0.1:${port}`, 'CONFIG GET maxmemory')).toContain('5242880');
    await expect(startRedis({ port: server.port })).rejects.toThrow(/in use/i);
  });
});

describe('PostgreSQL', () => {
  it('gives each caller a database of its own on one server', async () => {
    const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
    await query(one.url, 'CREATE TABLE mine (id int)');
    expect(await query(other.url, "SELECT to_regclass('mine')::text")).toEqual([null]);
    expect(new URL(one.url).port).toBe(new URL(other.url).port);
    await one.drop();
    await expect(query(one.url, 'SELECT 1')).rejects.toThrow('does not exist');
  });

  it('a server of its own can be frozen, thawed, killed and restarted', async () => {
    const server = await startPostgres();
    await query(server.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    server.freeze();
    await expect(query(server.url, 'SELECT 1', IMPATIENT_MS)).rejects.toThrow(/timeout/);
    server.thaw();
    expect(await query(server.url, 'SELECT n FROM kept')).toEqual([7]);
    await server.kill();
    await expect(query(server.url, 'SELECT 1')).rejects.toThrow('ECONNREFUSED');
    await server.restart();
    expect(await query(server.url, 'SELECT 1')).toEqual([1]);
  });
});
