/** The body of a look-up: it is part of what is asked, so it has to be there before anything is answered. */
import { Readable } from 'node:stream';

/** A longer one is handed on and its answer not kept. */
const MOST_BYTES = 1024 * 1024;
const NOTHING = Buffer.alloc(0);

export type Question =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  /** What has been read, and the rest. */
  | { readonly kind: 'longer'; readonly body: Readable };

export async function gathered(body: Readable | null): Promise<Question> {
  if (body === null) return { kind: 'whole', bytes: NOTHING };
  const chunks: Buffer[] = [];
  let length = 0;
  const source = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  for (;;) {
    const next = await source.next();
    if (next.done === true) return { kind: 'whole', bytes: Buffer.concat(chunks) };
    chunks.push(next.value);
    length += next.value.length;
    if (length > MOST_BYTES)
      return { kind: 'longer', body: Readable.from(continued(chunks, source), { objectMode: false }) };
  }
}

async function* continued(chunks: readonly Buffer[], source: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield* chunks;
  for (;;) {
    const next = await source.next();
    if (next.done === true) return;
    yield next.value;
  }
}
