/**
 * Fastify without anything of ours, which streams the events of a file: `bare-stream-server.js frames|whole FILE`. `frames`
 * writes them one by one, as a gateway does that hands on what it has recorded; `whole` sends them as one body.
 */
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { fastify } from 'fastify';

const [kind, file = ''] = process.argv.slice(2);
const whole = readFileSync(file);
const frames = whole
  .toString('latin1')
  .split(/(?<=\n\n)/)
  .map((frame) => Buffer.from(frame, 'latin1'));

const server = fastify();
server.post('/v1/chat/completions', (_request, reply) => {
  void reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .send(kind === 'frames' ? Readable.from(frames, { objectMode: false }) : whole);
});
console.log(`ready ${await server.listen({ port: 0, host: '127.0.0.1' })}`);
