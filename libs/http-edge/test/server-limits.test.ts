import type { Server } from 'node:http';
import { SERVER_LIMITS } from '../src/index.js';
import { sampleEdge } from './sample-edge.js';

describe('what a connection may take', () => {
  it('is bounded in time on the server itself, headers first', async () => {
    const edge = await sampleEdge();
    const server: Server = edge.app.getHttpServer();
    expect(server.headersTimeout).toBe(SERVER_LIMITS.headersMs);
    expect(server.requestTimeout).toBe(SERVER_LIMITS.requestMs);
    expect(server.keepAliveTimeout).toBe(SERVER_LIMITS.keepAliveMs);
    expect(SERVER_LIMITS.headersMs).toBeLessThan(SERVER_LIMITS.requestMs);
    await edge.app.close();
  });
});
