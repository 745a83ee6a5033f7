import { valueReading, type Flight, type Leadership, type Reservation } from '../src/index.js';
import { app, load } from './app-values.js';
import { cacheProcess, type Process } from './cache-process.js';
import { onEveryPlace } from './stage.js';

onEveryPlace('what a change brings', cacheProcess, (stage) => {
  let a: Process;
  let b: Process;

  const labels = { tags: ['x'] };
  const reserve = async (process: Process): Promise<Reservation> => {
    const reservation = await process.cache.reserve({ ref: app('k'), labels });
    if (reservation === null) throw new Error('not reserved');
    return reservation;
  };
  /** What became of what the change brought; null: its lease was not given. */
  const brought = async (reservation: Reservation, value: string) => {
    const filling = { stored: [Buffer.from(JSON.stringify(value))] };
    const lead = (leadership: Leadership) => ({ done: leadership.fill(filling) });
    return (await reservation.follow(lead))?.done ?? null;
  };
  const read = (process: Process) => load(process, 'k', 'loaded', { labels });

  beforeEach(() => void ({ a, b } = stage));

  test('is stored in place of what was, when nothing has come between', async () => {
    expect(await (await load(b, 'k', 'before', { labels })).stored).toBe('stored');
    expect(await brought(await reserve(a), 'new')).toBe('stored');
    expect(await read(b)).toMatchObject({ value: 'new', source: 'hit' });
  });

  test.each([
    ['an invalidation', () => b.cache.invalidate({ ref: app('k') })],
    ['another put', () => b.cache.put({ ref: app('k') }, { stored: [Buffer.from('"put"')] })],
    ['a load', () => load(b, 'k', 'other', { labels })],
    ['another such change', async () => void (await b.cache.invalidate({ ref: app('k') }), await reserve(b))],
  ])('trap 1: is not stored after %s, and what was is gone', async (_what, between) => {
    const reservation = await reserve(a);
    await between();
    expect(await brought(reservation, 'old')).toBeNull();
    expect(await read(a)).toMatchObject({ value: 'loaded', source: 'loaded' });
  });

  test('trap 1: is not served after an invalidation by tag', async () => {
    const reservation = await reserve(a);
    await b.cache.invalidateTag('x');
    await brought(reservation, 'old');
    expect(await read(b)).toMatchObject({ value: 'loaded', source: 'loaded' });
  });

  test('is loaded by whoever wants it meanwhile: nobody waits for a change', async () => {
    await reserve(a);
    expect(await read(b)).toMatchObject({ value: 'loaded', source: 'loaded' });
  });

  test('is nothing while a load is under way, which goes on', async () => {
    const led: Leadership[] = [];
    await b.cache.open<unknown, Flight>(valueReading(app('k')), {
      lead: (leadership) => ({ done: new Promise(() => void led.push(leadership)) }),
      follow: () => ({ done: Promise.resolve() }),
    });
    expect(await a.cache.reserve({ ref: app('k') })).toBeNull();
    expect(await led[0]?.fill({ stored: [Buffer.from('"loaded"')] })).toBe('stored');
  });

  test('is waited for once it is there and being stored', async () => {
    const reservation = await reserve(a);
    let store: () => void = () => undefined;
    await reservation.follow((leadership) => {
      const stored = new Promise<void>((resolve) => (store = resolve));
      return { done: stored.then(() => leadership.fill({ stored: [Buffer.from('"new"')] })) };
    });
    const waiting = load(b, 'k', 'never', { labels });
    store();
    expect(await waiting).toMatchObject({ value: 'new' });
  });

  test('given up, it leaves nothing', async () => {
    await (await reserve(a)).release();
    expect(await stage.raw.exists('lease:{app:k}')).toBe(0);
  });
});
