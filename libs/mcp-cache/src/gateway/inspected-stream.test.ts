import { afterwards, bytesOf, framesOf } from './inspected-stream.js';

const fail = (error: unknown): void => {
  throw error;
};

async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

it('what is to be done at the end of a stream is done once, also where its reader had left before it was there', async () => {
  let done = 0;
  const work = async (): Promise<void> => void (done += 1);
  afterwards(pieces('a'), work, AbortSignal.abort(), fail);
  expect(done).toBe(1);
  await bytesOf(afterwards(pieces('a'), work, new AbortController().signal, fail), 10);
  expect(done).toBe(2);
});

it('what could not be done behind a reader who has left is told, and ends no process', async () => {
  const failed = Promise.withResolvers<unknown>();
  const work = () => Promise.reject(new Error('no'));
  afterwards(pieces('a'), work, AbortSignal.abort(), failed.resolve);
  await expect(failed.promise).resolves.toMatchObject({ message: 'no' });
  const left = new AbortController().signal;
  await expect(bytesOf(afterwards(pieces('a'), work, left, failed.resolve), 10)).rejects.toThrow('no');
});

it('an event without an end is too large', async () => {
  async function* endless(): AsyncGenerator<Buffer> {
    const mebibyte = Buffer.alloc(1024 * 1024, 'x');
    for (let count = 0; count < 66; count += 1) yield mebibyte;
  }
  await expect(framesOf(endless()).next()).rejects.toMatchObject({ code: 'upstream_too_large' });
});

it('an answer that is too large is a clear error', async () => {
  await expect(bytesOf(pieces('abc', 'def'), 5)).rejects.toMatchObject({ code: 'upstream_too_large' });
});
