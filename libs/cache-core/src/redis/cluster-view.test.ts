import * as fc from 'fast-check';
import {
  isWhole,
  mergeViews,
  parseClusterNodes,
  SLOTS,
  type SlotRange,
  successors,
  type ClusterView,
} from './cluster-view.js';

const REPLY = [
  'aaa 10.0.0.1:7000@17000,redis-a.example myself,master - 0 0 3 connected 0-5460 [5461-<-bbb]',
  'bbb 10.0.0.2:7001@17001 master - 0 0 2 connected 5461-10922 16383',
  'ccc ::1:7002@17002 master,fail - 0 0 5 connected 10923-16382',
  'ddd 10.0.0.4:7003@17003 slave aaa 0 0 3 connected',
  'eee 10.0.0.5:7004@17004 master,fail - 0 0 1 disconnected',
  'fff :0@0 master,noaddr - 0 0 1 disconnected',
  '',
].join('\n');

describe('what a node says of its cluster', () => {
  test('names the primaries, what they serve and since which epoch', () => {
    const { primaries, moving } = parseClusterNodes(REPLY, '10.0.0.1:7000');
    expect(moving).toBe(true);
    expect(primaries.map(({ id, address, epoch, failed }) => [id, address, epoch, failed])).toEqual([
      ['aaa', 'redis-a.example:7000', 3, false],
      ['bbb', '10.0.0.2:7001', 2, false],
      ['ccc', '::1:7002', 5, true],
      ['eee', '10.0.0.5:7004', 1, true],
    ]);
    expect(primaries[0]?.names).toEqual(['redis-a.example:7000', '10.0.0.1:7000']);
    expect(primaries[1]?.slots).toEqual([
      { from: 5461, to: 10_922 },
      { from: 16_383, to: 16_383 },
    ]);
    expect(isWhole(mergeViews([parseClusterNodes(REPLY, '10.0.0.1:7000')]))).toBe(true);
  });

  test('a node that does not know its own address is where it was reached', () => {
    const { primaries } = parseClusterNodes(
      'aaa :7000@17000 myself,master - 0 0 1 connected 0-1',
      'redis.example:7000',
    );
    expect(primaries[0]?.address).toBe('redis.example:7000');
  });
});

const view = (...nodes: [id: string, epoch: number, from: number | null, to?: number][]): ClusterView => ({
  moving: false,
  primaries: nodes.map(([id, epoch, from, to = from]) => ({
    id,
    address: `${id}:1`,
    names: [`${id}:1`],
    epoch,
    failed: false,
    slots: from === null ? [] : [{ from, to: to as number }],
  })),
});

const each = ({ from, to }: SlotRange): number[] => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('what several nodes say', () => {
  test('is as the greatest epoch has it, whoever is asked first', () => {
    const stale = view(['a', 1, 0, 99], ['b', 2, 100, 199]);
    const fresh = view(['c', 7, 0, 99], ['b', 2, 100, 199]);
    for (const views of [
      [stale, fresh],
      [fresh, stale],
    ]) {
      const owners = Object.fromEntries(mergeViews(views).primaries.map(({ id, slots }) => [id, slots]));
      expect(owners).toEqual({ a: [], b: [{ from: 100, to: 199 }], c: [{ from: 0, to: 99 }] });
    }
  });

  test('gives each slot to one that claims it, whatever they claim', () => {
    const claim = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.nat(20), fc.nat(SLOTS - 1), fc.nat(SLOTS - 1));
    fc.assert(
      fc.property(fc.array(claim, { maxLength: 8 }), (claims) => {
        const views = claims.map(([id, epoch, x, y]) => view([id, epoch, Math.min(x, y), Math.max(x, y)]));
        const { primaries } = mergeViews(views);
        const served = primaries.flatMap(({ slots }) => slots.flatMap(each));
        const claimed = new Set(views.flatMap(({ primaries: [one] }) => one?.slots.flatMap(each) ?? []));
        expect(served).toHaveLength(claimed.size);
        expect(new Set(served)).toEqual(claimed);
      }),
      { numRuns: 20 },
    );
  });
});

describe('who took over from whom', () => {
  const before = view(['a', 1, 0, 99], ['b', 2, 100, 199], ['c', 3, null]);
  test.each<[string, ClusterView, string[]]>([
    ['a replica that was promoted', view(['d', 4, 0, 99], ['b', 2, 100, 199]), ['d']],
    ['a primary without slots that got all of another’s', view(['c', 4, 0, 99], ['b', 2, 100, 199]), ['c']],
    ['nobody, when slots move between living primaries', view(['a', 1, 0, 49], ['b', 4, 50, 199]), []],
    ['nobody, when a new primary gets some', view(['a', 1, 0, 49], ['b', 2, 100, 199], ['c', 4, 50, 99]), []],
    ['nobody, when the last slots of one go to one that served others', view(['b', 4, 0, 199]), []],
    ['nobody, when nothing happened', before, []],
    ['one that was replaced in between', view(['a', 6, 0, 99], ['b', 2, 100, 199]), ['a']],
  ])('%s', (_what, now, expected) => {
    expect([...successors(before, now)]).toEqual(expected);
  });

  test('one that came back elsewhere', () => {
    const [a, ...others] = before.primaries;
    const now = {
      ...before,
      primaries: [{ ...(a as (typeof before.primaries)[number]), address: 'other:1' }, ...others],
    };
    expect([...successors(before, now)]).toEqual(['a']);
  });
});
