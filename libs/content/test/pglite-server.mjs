/**
 * PostgreSQL with pgvector for one connection at a time: PGlite behind a socket, `node pglite-server.mjs`. In a process of
 * its own, because Jest's modules cannot load it. Says `ready PORT`.
 */
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { createServer } from 'node:net';

const HEADER_BYTES = 5;
const pglite = await PGlite.create({ extensions: { vector } });

const server = createServer((socket) => {
  let read = Buffer.alloc(0);
  let started = false;
  let answering = Promise.resolve();
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    read = Buffer.concat([read, chunk]);
    for (let message = next(); message !== null; message = next()) {
      const whole = message;
      answering = answering.then(async () => {
        const answer = await pglite.execProtocolRaw(whole);
        if (!socket.destroyed) socket.write(answer);
      });
    }
  });

  /** The first message has no type, all others have. */
  function next() {
    const at = started ? 1 : 0;
    if (read.length < (started ? HEADER_BYTES : 4)) return null;
    const length = at + read.readInt32BE(at);
    if (read.length < length) return null;
    const message = read.subarray(0, length);
    read = read.subarray(length);
    started = true;
    return message;
  }
});

server.listen(0, '127.0.0.1', () => process.stdout.write(`ready ${server.address().port}\n`));
process.on('disconnect', () => process.exit());
