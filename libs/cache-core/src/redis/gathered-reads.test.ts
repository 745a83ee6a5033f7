import { setImmediate as nextTurn } from 'node:timers/promises';
import { GatheredReads, type Values } from './gathered-reads.js';

describe('reads of one turn of the event loop', () => {
  const echo = (size = 1) => {
    const sent: string[][] = [];
    const reads = new GatheredReads((keys) => {
      sent.push([...keys]);
      return Promise.resolve(
        keys.map((key): Buffer | null =>
          key === 'none' ? null : Buffer.concat([Buffer.from(key), Buffer.alloc(size - 1)]),
        ),
      );
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

  test('are shared by all who want the same keys', async () => {
    const { reads, sent } = echo();
    const wanted = [['a', 'b'], ['c'], ['a', 'b'], ['a'], ['a', 'b', 'c'], ['c']];
    const answers = await Promise.all(wanted.map((keys) => reads.read([...keys])));
    expect(answers.map(texts)).toEqual(wanted);
    expect(sent).toEqual([['a', 'b', 'c', 'a', 'a', 'b', 'c']]);
  });

  test('send what callers have in common once in each command, and each gets it behind his own', async () => {
    const { reads, sent } = echo();
    const asked = Array.from({ length: 100 }, (_, n): [string[], string[]] => [
      [`value ${n}`, `meta ${n}`],
      n % 2 === 0 ? ['family'] : ['family', 'tag'],
    ]);
    const answers = await Promise.all(asked.map(([keys, common]) => reads.read(keys, common)));
    expect(answers.map(texts)).toEqual(asked.map(([keys, common]) => [...keys, ...common]));
    expect(sent.map((keys) => [keys.length, ...keys.slice(-2)])).toEqual([
      [120, 'family', 'tag'],
      [84, 'family', 'tag'],
    ]);
  });

  test('of the same keys are apart where they have others in common', async () => {
    const { reads } = echo();
    const asked: [string[], string[]][] = [
      [['a'], ['x']],
      [['a'], ['y']],
      [['a'], []],
    ];
    const answers = await Promise.all(asked.map(([keys, common]) => reads.read(keys, common)));
    expect(answers.map(texts)).toEqual([['a', 'x'], ['a', 'y'], ['a']]);
  });

  test('for one who wants many entries are bounded and apart as those of many callers are', async () => {
    const { reads, sent } = echo(100_000);
    await reads.read(['large']);
    sent.length = 0;
    const asked = [['large', 'its lease'], ...Array.from({ length: 100 }, (_, n) => [`none`, `lease ${n}`])];
    const answers = await reads.readEach(asked, ['family']);
    const first = (values: Values | undefined) => values?.map((value) => value?.subarray(0, 12).toString());
    expect(answers).toHaveLength(101);
    expect(first(answers[0])?.map((text) => text?.replaceAll('\0', ''))).toEqual(['large', 'its lease', 'family']);
    expect(first(answers[100])?.map((text) => text?.replaceAll('\0', ''))).toEqual([undefined, 'lease 99', 'family']);
    expect(sent.map((keys) => keys.length)).toEqual([119, 83, 3]);
    expect(sent[2]).toEqual(['large', 'its lease', 'family']);
    expect(await reads.readEach([], ['family'])).toEqual([]);
  });

  test('for one who wants many entries fail for all of them', async () => {
    const failure = new Error('lost');
    const reads = new GatheredReads((keys) =>
      keys.includes('99') ? Promise.reject(failure) : Promise.resolve(keys.map(() => null)),
    );
    const asked = Array.from({ length: 100 }, (_, n) => [String(n), 'a', 'b']);
    await expect(reads.readEach(asked)).rejects.toBe(failure);
  });

  test('are not shared any more once they have been sent, in the same turn or a later one', async () => {
    let version = 0;
    const reads = new GatheredReads((keys) => {
      version += 1;
      return Promise.resolve(keys.map(() => Buffer.from(String(version))));
    });
    const filling = Array.from({ length: 200 }, (_, n) => String(n));
    const first = reads.read(['a']);
    // What does not fit any more sends those before it at once.
    const others = reads.read(filling);
    const second = reads.read(['a']);
    await nextTurn();
    const third = reads.read(['a']);
    expect((await Promise.all([first, second, third])).map(texts)).toEqual([['1'], ['3'], ['4']]);
    await others;
  });

  test('that are large are shared too', async () => {
    const { reads, sent } = echo(100_000);
    await reads.read(['large']);
    sent.length = 0;
    await Promise.all([reads.read(['large']), reads.read(['large'])]);
    expect(sent).toEqual([['large']]);
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
    expect(sent.map((keys) => keys.length)).toEqual([120, 120, 120, 120, 120]);
  });

  test('share no command with a value that was large, until it is small again', async () => {
    const sent: string[][] = [];
    let size = 100_000;
    const reads = new GatheredReads((keys) => {
      sent.push([...keys]);
      return Promise.resolve(keys.map((key) => (key === 'large' ? Buffer.alloc(size) : null)));
    });
    const turn = async (): Promise<string[][]> => {
      sent.length = 0;
      await Promise.all([reads.read(['a']), reads.read(['meta', 'large']), reads.read(['b'])]);
      return [...sent];
    };
    expect(await turn()).toEqual([['a', 'meta', 'large', 'b']]);
    size = 10;
    expect(await turn()).toEqual([
      ['a', 'b'],
      ['meta', 'large'],
    ]);
    expect(await turn()).toEqual([['a', 'meta', 'large', 'b']]);
  });

  test('do not take a slow large value’s time-out for theirs', async () => {
    const timedOut = new Error('timed out');
    let slow = false;
    const reads = new GatheredReads((keys) =>
      slow && keys.includes('large')
        ? Promise.reject(timedOut)
        : Promise.resolve(keys.map((key) => (key === 'large' ? Buffer.alloc(100_000) : Buffer.from(key)))),
    );
    await reads.read(['large']);
    slow = true;
    const outcomes = await Promise.allSettled([reads.read(['large']), reads.read(['a'])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
  });

  test('remember a bounded number of large values', async () => {
    const { reads, sent } = echo(100_000);
    for (let n = 0; n <= 1000; n++) await reads.read([`large ${n}`]);
    sent.length = 0;
    await Promise.all([reads.read(['large 1000']), reads.read(['large 0']), reads.read(['large 1'])]);
    expect(sent).toEqual([['large 0'], ['large 1000'], ['large 1']]);
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
