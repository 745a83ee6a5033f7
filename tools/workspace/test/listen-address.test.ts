import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { freePort } from '@promptsales/test-kit';

const modulePath = join(import.meta.dirname, '../listen-address.mjs');

/** What `listenAddress` resolves to, or the message it throws, under the given variables. */
function listenAddress(variables: NodeJS.ProcessEnv): Promise<string> {
  const script = `
    import { listenAddress } from ${JSON.stringify(modulePath)};
    console.log(await listenAddress().then(JSON.stringify, (error) => error.constructor.name + ': ' + error.message));
  `;
  const { PORT: _port, WORKER_PORT: _workerPort, HOST: _host, ...environment } = process.env;
  const options = { env: { ...environment, ...variables } };
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], options, (error, stdout) =>
      error ? reject(error) : resolve(stdout.trim()),
    );
  });
}

let taken: Server;
let takenPort: number;

beforeAll(async () => {
  taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  takenPort = (taken.address() as AddressInfo).port;
});

afterAll(() => new Promise((resolve) => taken.close(resolve)));

describe('listenAddress', () => {
  it('takes free ports as given', async () => {
    const [port, workerPort] = [await freePort(), await freePort()];
    expect(JSON.parse(await listenAddress({ PORT: `${port}`, WORKER_PORT: `${workerPort}` }))).toEqual({
      host: '127.0.0.1',
      port,
      workerPort,
    });
  });

  it('names a busy port and says how to choose another', async () => {
    const message = await listenAddress({ PORT: `${takenPort}` });
    expect(message).toContain(`StartError: PORT ${takenPort} on 127.0.0.1 is in use`);
    const other = Number(/ PORT=(\d+) npm start/.exec(message)?.[1]);
    expect(Math.abs(other - takenPort)).toBe(100);
  });

  it('proposes a port that exists in place of the last one', async () => {
    const last = createServer();
    // Where somebody else has it, it is as taken.
    await new Promise<void>((resolve) => last.on('error', () => resolve()).listen(65_535, '127.0.0.1', resolve));
    expect(await listenAddress({ PORT: '65535' })).toContain('PORT=65435 npm start');
    await new Promise((resolve) => last.close(resolve));
  });

  it('refuses a busy worker port that was asked for', async () => {
    const message = await listenAddress({ PORT: '0', WORKER_PORT: `${takenPort}` });
    expect(message).toContain(`StartError: WORKER_PORT ${takenPort} on 127.0.0.1 is in use`);
  });

  it('gives the worker another port when its usual one is the API’s', async () => {
    const { port, workerPort, note } = JSON.parse(await listenAddress({ PORT: '3001', HOST: '127.0.0.9' })) as Record<
      string,
      unknown
    >;
    expect(port).toBe(3001);
    expect(workerPort).not.toBe(3001);
    expect(note).toContain('port 3001 is in use');
  });

  it.each(['http', '-1', '65536', '3000.5', ' 3000'])('refuses PORT=%j with what it takes', async (text) => {
    expect(await listenAddress({ PORT: text })).toBe(
      `StartError: PORT: got ${JSON.stringify(text)}; takes a whole number from 0 to 65535`,
    );
  });

  it('names HOST when the machine has no such address', async () => {
    expect(await listenAddress({ PORT: '3000', HOST: '203.0.113.7' })).toContain('StartError: HOST: got "203.0.113.7"');
  });
});
