import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { drain } from '../src/index.js';
import { sampleEdge, type SampleEdge } from './sample-edge.js';

/** Longer than anything here takes, on however busy a machine. */
const PATIENT_MS = 100_000;

describe('draining', () => {
  let edge: SampleEdge;
  let port: number;
  const agent = new Agent({ keepAlive: true });

  beforeEach(async () => {
    edge = await sampleEdge();
    await edge.app.listen(0, '127.0.0.1');
    port = (edge.app.getHttpServer().address() as AddressInfo).port;
  });

  afterEach(async () => {
    agent.destroy();
    await edge.app.close();
  });

  async function request(path: string): Promise<IncomingMessage> {
    const [response] = (await once(get({ port, path, host: '127.0.0.1', agent }), 'response')) as [IncomingMessage];
    return response;
  }

  async function text(response: IncomingMessage): Promise<string> {
    let body = '';
    for await (const chunk of response) body += String(chunk);
    return body;
  }

  it('trap 29: lets a stream under way finish, takes no new connection and closes idle ones', async () => {
    await text(await request('/maybe'));
    const stream = await request('/stream');
    const draining = drain(edge.app.getHttpServer(), PATIENT_MS);
    const [refused] = (await once(connect(port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    expect(refused.code).toBe('ECONNREFUSED');
    edge.finishStreams();
    expect(await text(stream)).toBe('first\nlast\n');
    expect(await draining).toBe(true);
  });

  it('trap 29: is not held up by a connection on which nothing was asked, and waits for one on which something was', async () => {
    const silent = connect(port, '127.0.0.1');
    await once(silent, 'connect');
    const stream = await request('/stream');
    const draining = drain(edge.app.getHttpServer(), PATIENT_MS);
    await once(silent.resume(), 'close');
    edge.finishStreams();
    expect(await text(stream)).toBe('first\nlast\n');
    expect(await draining).toBe(true);
  });

  it('cuts what is left at the bound', async () => {
    const stream = await request('/stream');
    const broken = once(stream, 'error');
    // The stream has no end of its own.
    expect(await drain(edge.app.getHttpServer(), 50)).toBe(false);
    await broken;
  });

  it('is done at once when nothing is under way', async () => {
    expect(await drain(edge.app.getHttpServer(), PATIENT_MS)).toBe(true);
    expect(await drain(edge.app.getHttpServer(), PATIENT_MS)).toBe(true);
  });
});
