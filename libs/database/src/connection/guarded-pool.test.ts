import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { DatabaseUnavailableError } from '../errors.js';
import { Availability } from './availability.js';
import { GuardedPool } from './guarded-pool.js';

/** One message of PostgreSQL's protocol, from the server. */
function message(type: string, body: string): Buffer {
  const bytes = Buffer.from(body, 'latin1');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length + 4);
  return Buffer.concat([Buffer.from(type), length, bytes]);
}

const WELCOME = Buffer.concat([message('R', '\0\0\0\0'), message('Z', 'I')]);
const GOING = message('E', 'SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0');

describe('GuardedPool', () => {
  let server: Server;
  let pool: GuardedPool;
  let probes: number;

  /** Welcomes whoever connects and is gone in the same packet. */
  beforeEach(async () => {
    server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.write(Buffer.concat([WELCOME, GOING])));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    probes = 0;
    const availability = new Availability({ probe: () => Promise.resolve((probes += 1)), probeEveryMs: 1000 });
    pool = new GuardedPool(
      {
        url: `postgres://someone@127.0.0.1:${(server.address() as AddressInfo).port}/anything`,
        applicationName: 'test',
        maxConnections: 2,
        acquireTimeoutMs: 60_000,
        queryTimeoutMs: 60_000,
        statementTimeoutMs: 60_000,
        idleTimeoutMs: 60_000,
        suspectAfterMs: 60_000,
      },
      availability,
    );
  });

  afterEach(async () => {
    await pool.end();
    server.close();
  });

  it('outlives a connection that ends in the moment it is made', async () => {
    const client = await pool.connect();
    await expect(client.query('select 1', [])).rejects.toMatchObject({
      constructor: DatabaseUnavailableError,
      reason: 'connection_lost',
    });
    expect(client.broken).toBe(true);
    expect(probes).toBeGreaterThan(0);
    client.release();
  });
});
