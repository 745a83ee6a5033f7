import * as fc from 'fast-check';
import { LlmError } from '../protocol/llm-error.js';
import { NO_CUT, type RecordedFrame } from '../stream/recording.js';
import { FrameLog, type FrameReader } from './frame-log.js';

function frame(text: string): RecordedFrame {
  return { raw: Buffer.from(text), afterMicros: 0, cut: NO_CUT };
}

function texts(frames: readonly RecordedFrame[] | null): string[] | null {
  return frames?.map(({ raw }) => raw.toString()) ?? null;
}

async function readAll(reader: FrameReader | null): Promise<string[]> {
  const all: string[] = [];
  if (reader === null) throw new Error('not let in');
  for (let frames = await reader.next(); frames !== null; frames = await reader.next())
    all.push(...(texts(frames) ?? []));
  return all;
}

const ROOMY = { retainBytes: 1000, windowBytes: 100, stallMs: 30 };

describe('the log of an answer', () => {
  it('gives every reader every frame, whenever it came', async () => {
    const log = new FrameLog(ROOMY);
    const early = readAll(log.reader());
    log.append(frame('a'));
    const middle = readAll(log.reader());
    log.append(frame('b'));
    log.end(null);
    const late = readAll(log.reader());
    expect(await Promise.all([early, middle, late])).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(texts(log.whole)).toEqual(['a', 'b']);
  });

  it('hands over what has come together, and waits for what has not', async () => {
    const log = new FrameLog(ROOMY);
    const reader = log.reader() as FrameReader;
    log.append(frame('a'));
    log.append(frame('b'));
    expect(texts(await reader.next())).toEqual(['a', 'b']);
    const next = reader.next();
    log.append(frame('c'));
    expect(texts(await next)).toEqual(['c']);
  });

  it('trap 21: gives the error only after all frames before it', async () => {
    const log = new FrameLog(ROOMY);
    const reader = log.reader() as FrameReader;
    const error = new LlmError('upstream_died', 'x');
    log.append(frame('a'));
    log.end(error);
    expect(texts(await reader.next())).toEqual(['a']);
    await expect(reader.next()).rejects.toBe(error);
  });

  it('lets go of a reader that closes while it waits', async () => {
    const log = new FrameLog(ROOMY);
    const reader = log.reader() as FrameReader;
    const next = reader.next();
    reader.close();
    expect(await next).toBeNull();
  });

  it('never makes anybody wait while everything fits', () => {
    const log = new FrameLog(ROOMY);
    log.reader();
    for (let at = 0; at < 100; at += 1) log.append(frame('0123456789'));
    expect(log.room()).toBeNull();
    expect(log.bytes).toBe(1000);
  });

  it('hands over no more than a reader wants at a time, but never nothing', async () => {
    const log = new FrameLog(ROOMY);
    const reader = log.reader() as FrameReader;
    for (const text of ['aaaa', 'bbbb', 'c', 'dddddddddddd', 'e']) log.append(frame(text));
    log.end(null);
    const pieces = [];
    for (let piece = await reader.next(8); piece !== null; piece = await reader.next(8)) pieces.push(texts(piece));
    expect(pieces).toEqual([['aaaa', 'bbbb'], ['c'], ['dddddddddddd'], ['e']]);
    expect([reader.position, reader.bytes]).toEqual([5, 22]);
  });

  it('trap 11: beyond that keeps a window, lets nobody begin, and holds the writer to the fastest', async () => {
    const log = new FrameLog({ ...ROOMY, stallMs: 60_000 });
    const [fast, slow] = [log.reader() as FrameReader, log.reader() as FrameReader];
    for (let at = 0; at < 101; at += 1) log.append(frame('0123456789'));
    expect(log.whole).toBeNull();
    expect(log.reader()).toBeNull();
    const room = log.room();
    expect(room).not.toBeNull();
    expect(await fast.next(1000)).toHaveLength(100);
    await room;
    // The slow one is not yet further behind than may be held, and what both have read is dropped.
    expect(await slow.next(500)).toHaveLength(50);
    expect(log.bytes).toBe(510);
    log.append(frame('more'));
    expect(log.room()).toBeNull();
    expect(await fast.next()).toHaveLength(2);
    expect(await slow.next()).toHaveLength(52);
    expect(log.bytes).toBe(0);
  });

  it('trap 21: says at once who is put off, though he learns it only when he reads on', () => {
    jest.useFakeTimers();
    try {
      const log = new FrameLog({ ...ROOMY, stallMs: 500 });
      const told = jest.fn();
      log.reader(told);
      for (let at = 0; at < 101; at += 1) log.append(frame('0123456789'));
      void log.room();
      jest.advanceTimersByTime(499);
      expect(told).not.toHaveBeenCalled();
      jest.advanceTimersByTime(1);
      expect(told).toHaveBeenCalledTimes(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('trap 21: puts off a reader that falls too far behind, without anybody waiting for him', async () => {
    const log = new FrameLog({ ...ROOMY, stallMs: 60_000 });
    const [fast, slow, stuck] = [log.reader(), log.reader(), log.reader()] as [FrameReader, FrameReader, FrameReader];
    let read = 0;
    for (let at = 0; at < 300; at += 1) {
      log.append(frame('0123456789'));
      expect(log.room()).toBeNull();
      read += (await fast.next())?.length ?? 0;
      if (at % 10 === 9) await slow.next(50).catch(() => null);
      expect(log.bytes).toBeLessThanOrEqual(ROOMY.retainBytes);
    }
    log.end(null);
    expect(read).toBe(300);
    for (const reader of [slow, stuck]) await expect(reader.next()).rejects.toMatchObject({ code: 'overloaded' });
    expect(await readAll(fast)).toEqual([]);
  });

  it('trap 21: does not put off a reader for being a little slower than the one beside him', async () => {
    const log = new FrameLog({ ...ROOMY, stallMs: 60_000 });
    const readers = [log.reader() as FrameReader, log.reader() as FrameReader].map((reader) => ({ reader, count: 0 }));
    for (let at = 0; at < 500; at += 1) {
      log.append(frame('0123456789'));
      const writer = { waits: log.room() };
      void writer.waits?.then(() => {
        writer.waits = null;
      });
      // One piece each, one after the other.
      while (writer.waits !== null) for (const one of readers) one.count += (await one.reader.next(300))?.length ?? 0;
    }
    log.end(null);
    for (const one of readers) one.count += (await readAll(one.reader)).length;
    expect(readers.map(({ count }) => count)).toEqual([500, 500]);
  });

  it('trap 11: puts off who takes nothing while the writer waits, and goes on with who does', async () => {
    jest.useFakeTimers();
    const log = new FrameLog(ROOMY);
    const [slow, stuck] = [log.reader() as FrameReader, log.reader() as FrameReader];
    for (let at = 0; at < 101; at += 1) log.append(frame('0123456789'));
    const room = log.room();
    await slow.next(10);
    await jest.advanceTimersByTimeAsync(ROOMY.stallMs);
    await room;
    await expect(stuck.next()).rejects.toMatchObject({ code: 'overloaded' });
    // Not enough yet: the writer waits on.
    expect(log.room()).not.toBeNull();
    expect(await slow.next()).toHaveLength(100);
    expect([log.room(), log.bytes]).toEqual([null, 0]);
    expect(jest.getTimerCount()).toBe(0);
    log.append(frame('more'));
    log.end(null);
    expect(await readAll(slow)).toEqual(['more']);
    jest.useRealTimers();
  });

  it('gives all readers the same at any pace, or the beginning of it and an error, within its bound', async () => {
    const pace = fc.array(fc.nat(3), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(pace, { minLength: 1, maxLength: 4 }), fc.nat(200), async (paces, count) => {
        const log = new FrameLog({ retainBytes: 50, windowBytes: 20, stallMs: 60_000 });
        const reading = paces.map(async (waits) => {
          const reader = log.reader() as FrameReader;
          const seen: string[] = [];
          for (let at = 0; ; at += 1) {
            for (let tick = 0; tick < (waits[at % waits.length] ?? 0); tick += 1) await Promise.resolve();
            const frames = await reader.next(30).catch(() => 'put off' as const);
            if (frames === null || frames === 'put off') return { seen, whole: frames === null };
            seen.push(...(texts(frames) ?? []));
          }
        });
        const written: string[] = [];
        for (let at = 0; at < count; at += 1) {
          written.push(String(at));
          log.append(frame(String(at)));
          for (let room = log.room(); room !== null; room = log.room()) await room;
          expect(log.bytes).toBeLessThanOrEqual(53);
        }
        log.end(null);
        const readers = await Promise.all(reading);
        for (const { seen, whole } of readers) expect(seen).toEqual(whole ? written : written.slice(0, seen.length));
        expect(readers.some(({ whole }) => whole)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
