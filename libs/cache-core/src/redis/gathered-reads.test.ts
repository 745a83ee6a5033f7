import { setImmediate as nextTurn } from 'node:timers/promises';
import { GatheredReads, type Values } from './gathered-reads.js';

describe('reads of one turn of the event loop', () => {
  const echo = () => {
    const sent: string[][] = [];
    const reads = new GatheredReads((keys) => {
      sent.push([...keys]);
      return Promise.resolve(keys.map((key): Buffer | null => (key === 'none' ? null : Buffer.from(key))));
    });
    return { reads, sent };
  };
  const texts = (values: Values) => values.map((value) => value?.toString() ?? null);

  test('leave as one command, and each caller gets his own', async () => {
    const { reads, sent } = echo();
    const answers = await Promise.all([reads.read(['a', 'b']), reads.read(['none']), reads.read(['a', 'c'])]);
    expect(answers.map(texts)).toEqual([['a', 'b'], [null], ['a', 'c']]);
    expect(sent).toEqual([['a', 'b', 'none', 'a', 'c']]);
  });

  test('do not wait for those of a later turn', async () => {
    const { reads, sent } = echo();
    const first = reads.read(['a']);
    await nextTurn();
    await Promise.all([first, reads.read(['b'])]);
    expect(sent).toEqual([['a'], ['b']]);
  });

  test('are bounded in number, and a caller’s keys are never parted', async () => {
    const { reads, sent } = echo();
    const asked = Array.from({ length: 200 }, (_, n) => [`value ${n}`, `meta ${n}`, `lease ${n}`]);
    const answers = await Promise.all(asked.map((keys) => reads.read(keys)));
    expect(answers.map(texts)).toEqual(asked);
    expect(sent.map((keys) => keys.length)).toEqual([255, 255, 90]);
  });

  test('fail together', async () => {
    const failure = new Error('lost');
    const reads = new GatheredReads(() => Promise.reject(failure));
    const outcomes = await Promise.allSettled([reads.read(['a']), reads.read(['b'])]);
    expect(outcomes).toEqual([
      { status: 'rejected', reason: failure },
      { status: 'rejected', reason: failure },
    ]);
  });
});
