/**
 * The truth behind the cache, in a process of its own that no fault reaches: a version for each entry. One line in, one
 * line out: `read ENTRY` says its version, `write KIND INDEX` gives a new version to all entries under it and says which.
 */
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { ENTRIES, entriesUnder, type Reach } from './entries.js';

const versions = Array.from({ length: ENTRIES }, () => 0);
let last = 0;

function answer(line: string): number {
  const [verb, kind, index] = line.split(' ') as [string, string, string?];
  if (verb === 'read') return versions[Number(kind)] as number;
  last += 1;
  for (const entry of entriesUnder({ kind, index: Number(index) } as Reach)) versions[entry] = last;
  return last;
}

const server = createServer((socket) => {
  // A process that was killed; the interface hands on what its input emits.
  socket.on('error', () => {});
  createInterface({ input: socket })
    .on('error', () => {})
    .on('line', (line) => socket.write(`${answer(line)}\n`));
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
process.once('disconnect', () => process.exit(0));
