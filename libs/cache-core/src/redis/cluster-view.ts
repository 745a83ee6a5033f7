/**
 * Who serves which slots of a Redis Cluster, as its nodes tell it in `CLUSTER NODES`.
 *
 * That reply and not CLUSTER SLOTS or SHARDS, because it alone says with which configuration epoch a node claims its
 * slots. Nodes that were told apart for a moment contradict each other; the claim with the greater epoch wins, here as
 * among the nodes themselves.
 */
export const SLOTS = 16_384;

export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

export interface ClusterPrimary {
  readonly id: string;
  /** `host:port`: where to connect to. */
  readonly address: string;
  /** Each form in which MOVED and ASK may call it. */
  readonly names: readonly string[];
  readonly epoch: number;
  readonly slots: readonly SlotRange[];
  /** The others hold it for dead. */
  readonly failed: boolean;
}

export interface ClusterView {
  readonly primaries: readonly ClusterPrimary[];
  /** Whether the node that was asked has slots on their way to or from another. */
  readonly moving: boolean;
}

/** Where a redirection sends: for good, or for this one command. */
export interface MovedTo {
  readonly kind: 'moved' | 'ask';
  readonly slot: number;
  readonly address: string;
}

/** @param asked where the node was reached: it may not know its own address */
export function parseClusterNodes(reply: string, asked: string): ClusterView {
  const primaries: ClusterPrimary[] = [];
  let moving = false;
  for (const line of reply.split('\n')) {
    const [id = '', place = '', flagList = '', , , , epoch = '', , ...owned] = line.trim().split(' ');
    const flags = flagList.split(',');
    if (flags.includes('myself')) moving ||= owned.some((slot) => slot.startsWith('['));
    const names = namesOf(place, asked);
    const [address] = names;
    if (!flags.includes('master') || flags.includes('handshake') || address === undefined) continue;
    const slots = owned.flatMap((slot) => rangeIn(slot) ?? []);
    primaries.push({ id, address, names, epoch: Number(epoch), slots, failed: flags.includes('fail') });
  }
  return { primaries, moving };
}

/** The same text for views that say the same of the primaries. */
export function gistOf({ primaries }: ClusterView): string {
  return JSON.stringify(primaries.toSorted((a, b) => (a.id < b.id ? -1 : 1)));
}

/** What several nodes say, as one: each slot belongs to whoever claims it with the greatest epoch. */
export function mergeViews(views: readonly ClusterView[]): ClusterView {
  const moving = views.some((view) => view.moving);
  const [first, ...others] = new Map(views.map((view) => [gistOf(view), view])).values();
  // Nearly always they agree, and going through all slots would hold up the event loop for milliseconds.
  if (first !== undefined && others.length === 0) return { primaries: first.primaries, moving };
  const byId = new Map<string, ClusterPrimary>();
  const owners = Array.from<ClusterPrimary | undefined>({ length: SLOTS });
  for (const primary of views.flatMap((view) => view.primaries)) {
    if (primary.epoch > (byId.get(primary.id)?.epoch ?? -1)) byId.set(primary.id, primary);
    for (const { from, to } of primary.slots) {
      for (let slot = from; slot <= to; slot += 1) {
        if (primary.epoch > (owners[slot]?.epoch ?? -1)) owners[slot] = primary;
      }
    }
  }
  const slots = rangesById(owners);
  return {
    primaries: [...byId.values()].map((primary) => ({ ...primary, slots: slots.get(primary.id) ?? [] })),
    moving,
  };
}

/**
 * Primaries that took slots over from one that failed or was demoted, and may lack what that one had acknowledged:
 * - one that served nothing and now serves slots of one that serves nothing any more (a slot that is moved in good
 *   order comes from a primary that still serves others, or goes to one that already did);
 * - one that serves what it did with a new epoch (another had its place in between) or at a new address.
 */
export function successors(before: ClusterView, now: ClusterView): Set<string> {
  const servedBefore = new Map(before.primaries.map((primary) => [primary.id, primary]));
  const gone = before.primaries.filter(
    ({ id, slots }) => slots.length > 0 && (now.primaries.find((one) => one.id === id)?.slots.length ?? 0) === 0,
  );
  const succeeded = now.primaries.filter(({ id, epoch, slots, address }) => {
    if (slots.length === 0) return false;
    const earlier = servedBefore.get(id);
    if (earlier === undefined || earlier.slots.length === 0) return gone.some((lost) => overlap(lost.slots, slots));
    if (address !== earlier.address) return true;
    return epoch > earlier.epoch && JSON.stringify(slots) === JSON.stringify(earlier.slots);
  });
  return new Set(succeeded.map(({ id }) => id));
}

/** Whether somebody serves every slot. */
export function isWhole({ primaries }: ClusterView): boolean {
  const served = primaries.flatMap(({ slots }) => slots).reduce((sum, { from, to }) => sum + to - from + 1, 0);
  return served === SLOTS;
}

function overlap(some: readonly SlotRange[], others: readonly SlotRange[]): boolean {
  return some.some((a) => others.some((b) => a.from <= b.to && b.from <= a.to));
}

function rangesById(owners: readonly (ClusterPrimary | undefined)[]): Map<string, SlotRange[]> {
  const ranges = new Map<string, SlotRange[]>();
  for (let from = 0; from < SLOTS;) {
    const id = owners[from]?.id;
    let to = from;
    while (to + 1 < SLOTS && owners[to + 1]?.id === id) to += 1;
    if (id !== undefined) ranges.set(id, [...(ranges.get(id) ?? []), { from, to }]);
    from = to + 1;
  }
  return ranges;
}

/** `7`, `7-9`; a slot on its way is in brackets, and belongs to whoever has it without. */
function rangeIn(text: string): SlotRange | undefined {
  const [, from, to] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  return from === undefined ? undefined : { from: Number(from), to: Number(to ?? from) };
}

/** `ip:port@bus[,hostname[,…]]`: the name first where one is announced, because certificates are made out to names. */
function namesOf(place: string, asked: string): string[] {
  const [, ip = '', port = '', name = ''] = /^([^,]*):(\d+)(?:@\d+)?(?:,([^,]*))?/.exec(place) ?? [];
  if (port === '' || port === '0') return [];
  return [name, ip === '' ? hostOf(asked) : ip].filter((host) => host !== '').map((host) => `${host}:${port}`);
}

/** IPv6 hosts have colons of their own: the port is behind the last. */
export const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));
export const portOf = (address: string): number => Number(address.slice(address.lastIndexOf(':') + 1));
