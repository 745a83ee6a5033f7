import { type KeyRef } from '@promptsales/cache-core';
import { LexicalEmbedder } from '@promptsales/semantics';
import type { LogEntry } from './bounded-log.js';
import { type PartitionBounds, PartitionIndexes } from './partition-index.js';

const LENGTH = 4_000;

/** Partitions with so many long questions each, and from where each was read. */
function partitions(questions: number, bounds: Partial<PartitionBounds>) {
  const read: string[] = [];
  const entries = Array.from({ length: questions }, (_, at): LogEntry => {
    const text = `${at} `.repeat(LENGTH).slice(0, LENGTH);
    return { id: `${at + 1}-0`, fields: { answer: `answer ${at}`, text, vector: `${at}` } };
  });
  const log = {
    append: () => Promise.resolve(),
    after: async function* (ref: KeyRef, id: string) {
      read.push(`${ref.key.slice(-1)} from ${id || 'the beginning'}`);
      if (id === '') yield entries;
      await Promise.resolve();
    },
  };
  const vectors = { keep: () => Promise.resolve(), stored: () => Promise.resolve(null) };
  const indexes = new PartitionIndexes(log, vectors, { questions: 2_048, bytes: 2 ** 26, ttlSeconds: 60, ...bounds });
  const look = (name: string) =>
    indexes.of({ hash: name.repeat(64), tenant: 'default' }, new LexicalEmbedder(), new AbortController().signal);
  return { read, look };
}

describe('the questions of partitions', () => {
  it('are forgotten by the bytes of their texts, too: a vector is the smaller part of a long question', async () => {
    const { read, look } = partitions(16, { bytes: 16 * 2 * LENGTH });
    for (const name of ['a', 'b', 'a']) expect((await look(name))?.size).toBe(16);
    expect(read).toEqual(['a from the beginning', 'b from the beginning', 'a from the beginning']);
  });

  it('are kept, and read on, where there is room for them', async () => {
    const { read, look } = partitions(16, {});
    for (const name of ['a', 'b', 'a']) expect((await look(name))?.size).toBe(16);
    expect(read).toEqual(['a from the beginning', 'b from the beginning', 'a from 16-0']);
  });
});
