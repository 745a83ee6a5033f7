import type { Bytes } from '../upstream/upstream-client.js';
import { Recording, RecordingBudget } from './recording.js';

/** Gives a chunk whenever it is asked, as far as it has been filled. */
class Source {
  taken = 0;
  returned = false;

  constructor(readonly chunks: readonly (string | Error)[]) {}

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer> {
    try {
      for (const chunk of this.chunks) {
        this.taken += 1;
        if (chunk instanceof Error) throw chunk;
        yield Buffer.from(chunk);
      }
    } finally {
      this.returned = true;
    }
  }
}

const bounds = (mostBytes = 100, budget = new RecordingBudget(1000), withinMs = 60_000) => ({
  mostBytes,
  budget,
  withinMs,
});
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function read(bytes: Bytes): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of bytes) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe('a recording', () => {
  it('gives its caller all, and keeps it', async () => {
    const recording = new Recording(new Source(['a', 'bc']), bounds());
    expect(await read(recording.forCaller())).toBe('abc');
    expect((await recording.whole)?.toString()).toBe('abc');
  });

  it('trap 21: goes on without its caller, whether he is slow or leaves', async () => {
    const slow = new Recording(new Source(['a', 'b']), bounds());
    expect((await slow.whole)?.toString()).toBe('ab');
    expect(await read(slow.forCaller())).toBe('ab');
    const left = new Recording(new Source(['a', 'b']), bounds());
    await left.forCaller().return();
    expect((await left.whole)?.toString()).toBe('ab');
  });

  it('trap 11: what is too long is not kept, and from then on is read only as its caller reads', async () => {
    const source = new Source(Array.from({ length: 50 }, () => 'ten bytes.'));
    const recording = new Recording(source, bounds(30));
    expect(await recording.whole).toBeNull();
    await settle();
    expect(source.taken).toBe(4);
    expect(await read(recording.forCaller())).toHaveLength(500);
  });

  it('what is too long is hung up on when its caller leaves', async () => {
    const source = new Source(['ten bytes.', 'ten bytes.', 'more']);
    const recording = new Recording(source, bounds(10));
    await recording.whole;
    await recording.forCaller().return();
    await settle();
    expect([source.returned, source.taken]).toEqual([true, 2]);
  });

  it('all together hold no more than their budget, which they give back', async () => {
    const budget = new RecordingBudget(10);
    const first = new Recording(new Source(['eight by']), bounds(100, budget));
    await first.whole;
    const second = new Recording(new Source(['eight by']), bounds(100, budget));
    expect(await second.whole).toBeNull();
    await read(first.forCaller());
    const third = new Recording(new Source(['eight by']), bounds(100, budget));
    expect(await third.whole).not.toBeNull();
  });

  it('trap 11: what a slow caller has not read yet counts, also when it is not kept', async () => {
    const budget = new RecordingBudget(20);
    const long = new Recording(new Source(['ten bytes.', 'ten bytes.', 'ten bytes.']), bounds(20, budget));
    expect(await long.whole).toBeNull();
    const meanwhile = new Recording(new Source(['ten bytes.']), bounds(20, budget));
    expect(await meanwhile.whole).toBeNull();
    expect(await read(long.forCaller())).toHaveLength(30);
    await meanwhile.forCaller().return();
    const after = new Recording(new Source(['ten bytes.']), bounds(20, budget));
    expect(await after.whole).not.toBeNull();
  });

  it('trap 15: one that breaks off is not kept, and its caller hears of it behind what had come', async () => {
    const recording = new Recording(new Source(['a', new Error('reset')]), bounds());
    expect(await recording.whole).toBeNull();
    const bytes = recording.forCaller();
    expect((await bytes.next()).value?.toString()).toBe('a');
    await expect(bytes.next()).rejects.toThrow('reset');
  });

  it('one that takes too long is not kept', async () => {
    const recording = new Recording(new Source(['a', 'b']), bounds(100, new RecordingBudget(100), -1));
    expect(await recording.whole).toBeNull();
    expect(await read(recording.forCaller())).toBe('ab');
  });
});
