import { afterwards, bytesOf } from './inspected-stream.js';

async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

it('what is to be done at the end of a stream is done once, also where its reader had left before it was there', async () => {
  let done = 0;
  const work = async (): Promise<void> => void (done += 1);
  afterwards(pieces('a'), work, AbortSignal.abort());
  expect(done).toBe(1);
  await bytesOf(afterwards(pieces('a'), work, new AbortController().signal), 10);
  expect(done).toBe(2);
});

it('an answer that is too large is a clear error', async () => {
  await expect(bytesOf(pieces('abc', 'def'), 5)).rejects.toMatchObject({ code: 'upstream_too_large' });
});
