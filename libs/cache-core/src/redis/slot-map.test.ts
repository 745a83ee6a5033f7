import type { ClusterView } from './cluster-view.js';
import { SlotMap } from './slot-map.js';

interface Node {
  readonly address: string;
}

const view = (...primaries: [address: string, from: number, to: number, failed?: boolean][]): ClusterView => ({
  moving: false,
  primaries: primaries.map(([address, from, to, failed = false], at) => ({
    id: address,
    address,
    names: [address, `name-of-${address}`],
    epoch: at,
    failed,
    slots: to < from ? [] : [{ from, to }],
  })),
});

describe('the map of slots', () => {
  const map = (): SlotMap<Node> => new SlotMap((address) => ({ address }));
  const addresses = (nodes: readonly Node[]) => nodes.map(({ address }) => address);

  test('keeps the nodes that stay, and says who came, who went and who took over', () => {
    const slots = map();
    const first = slots.apply(view(['a:1', 0, 9999], ['b:1', 10_000, 16_383]));
    expect(addresses(first.added)).toEqual(['a:1', 'b:1']);
    const b = slots.ownerOf(16_383);
    const second = slots.apply(view(['c:1', 0, 9999], ['b:1', 10_000, 16_383], ['a:1', 0, -1, true]));
    expect(addresses(second.added)).toEqual(['c:1']);
    expect(addresses(second.removed)).toEqual(['a:1']);
    expect(addresses(second.successors)).toEqual(['c:1']);
    expect(slots.ownerOf(16_383)).toBe(b);
  });

  test('has an owner for every slot or not', () => {
    const slots = map();
    slots.apply(view(['a:1', 0, 9999]));
    expect(slots.everyOwner(() => true)).toBe(false);
    slots.apply(view(['a:1', 0, 9999], ['b:1', 10_000, 16_383]));
    expect(slots.everyOwner(() => true)).toBe(true);
    expect(slots.everyOwner(({ address }) => address === 'a:1')).toBe(false);
  });

  test('believes who moves a slot, and not who asks for one answer', () => {
    const slots = map();
    slots.apply(view(['a:1', 0, 9999], ['a:2', 10_000, 16_383]));
    const [one, two] = slots.nodes as [Node, Node];
    const before = slots.changes;
    expect(slots.follow({ kind: 'ask', slot: 5, address: 'a:2' }, one)).toBe(two);
    expect([slots.ownerOf(5), slots.changes]).toEqual([one, before]);
    expect(slots.follow({ kind: 'moved', slot: 5, address: 'name-of-a:2' }, one)).toBe(two);
    expect([slots.ownerOf(5), slots.changes]).toEqual([two, before + 1]);
    // No host means the host of who says so.
    expect(slots.follow({ kind: 'moved', slot: 6, address: ':2' }, one)).toBe(two);
    expect(slots.follow({ kind: 'moved', slot: 7, address: 'stranger:1' }, one)).toBeUndefined();
    expect(slots.ownerOf(7)).toBe(one);
  });
});
