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

  it('trap 11: beyond that keeps a window, lets nobody begin, and holds the writer to the slowest', async () => {
    const log = new FrameLog({ ...ROOMY, stallMs: 60_000 });
    const [fast, slow] = [log.reader() as FrameReader, log.reader() as FrameReader];
    for (let at = 0; at < 101; at += 1) log.append(frame('0123456789'));
    expect(log.whole).toBeNull();
    expect(log.reader()).toBeNull();
    expect(await fast.next()).toHaveLength(101);
    const room = log.room();
    expect(room).not.toBeNull();
    expect(await slow.next()).toHaveLength(101);
    await room;
    expect(log.bytes).toBe(0);
    log.append(frame('more'));
    expect(texts(await slow.next())).toEqual(['more']);
  });

  it('trap 11: puts off a reader that takes nothing, and goes on with the others', async () => {
    const log = new FrameLog(ROOMY);
    const [good, stuck] = [log.reader() as FrameReader, log.reader() as FrameReader];
    for (let at = 0; at < 101; at += 1) log.append(frame('0123456789'));
    await good.next();
    await log.room();
    await expect(stuck.next()).rejects.toMatchObject({ code: 'overloaded' });
    log.append(frame('more'));
    log.end(null);
    expect(await readAll(good)).toEqual(['more']);
  });

  it('gives all readers the same, at any pace, within its bound', async () => {
    const pace = fc.array(fc.nat(3), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.array(pace, { minLength: 1, maxLength: 4 }), fc.nat(200), async (paces, count) => {
        const log = new FrameLog({ retainBytes: 50, windowBytes: 20, stallMs: 60_000 });
        const reading = paces.map(async (waits) => {
          const reader = log.reader() as FrameReader;
          const seen: string[] = [];
          for (let at = 0; ; at += 1) {
            for (let tick = 0; tick < (waits[at % waits.length] ?? 0); tick += 1) await Promise.resolve();
            const frames = await reader.next();
            if (frames === null) return seen;
            seen.push(...(texts(frames) ?? []));
          }
        });
        const written: string[] = [];
        for (let at = 0; at < count; at += 1) {
          written.push(String(at));
          log.append(frame(String(at)));
          for (let room = log.room(); room !== null; room = log.room()) await room;
          expect(log.bytes).toBeLessThanOrEqual(50);
        }
        log.end(null);
        for (const seen of await Promise.all(reading)) expect(seen).toEqual(written);
      }),
      { numRuns: 50 },
    );
  });
});
