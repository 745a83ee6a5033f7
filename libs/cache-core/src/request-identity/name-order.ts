/**
 * Sorts by the UTF-16 units of names, as RFC 8785 §3.2.3 orders properties, in time that grows with the text: most
 * significant units first (MSD radix, McIlroy, Bostic and McIlroy, "Engineering Radix Sort", 1993), two at a time. A comparison sort
 * of a million names that a body may hold reads each of them twenty times, from all over the memory.
 *
 * The parts that are still to be sorted wait in a list, not on the stack: names may share megabytes of their beginning.
 */
export interface Named {
  readonly name: string;
}

interface Part {
  readonly from: number;
  readonly to: number;
  /** All names of the part agree on so many units. */
  readonly known: number;
}

/** Fewer than these are sorted by comparison. */
const FEW = 64;
const ENDED = -1;

export function sortByName(members: Named[]): void {
  const parts: Part[] = [{ from: 0, to: members.length, known: 0 }];
  for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
    const { from, to, known } = part;
    if (to - from <= FEW) compare(members, from, to);
    else
      distribute(members, part, (key, start, end) => {
        if (key !== ENDED && end - start > 1) parts.push({ from: start, to: end, known: known + 2 });
      });
  }
}

function compare(members: Named[], from: number, to: number): void {
  const sorted = members.slice(from, to).toSorted(byName);
  for (let at = from; at < to; at++) members[at] = sorted[at - from] as Named;
}

function distribute(
  members: Named[],
  { from, to, known }: Part,
  done: (key: number, from: number, to: number) => void,
): void {
  const buckets = new Map<number, Named[]>();
  for (let at = from; at < to; at++) {
    const member = members[at] as Named;
    const key = unitsAt(member.name, known);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [member]);
    else bucket.push(member);
  }
  let at = from;
  for (const key of Float64Array.from(buckets.keys()).toSorted()) {
    const start = at;
    for (const member of buckets.get(key) as Named[]) members[at++] = member;
    done(key, start, at);
  }
}

/** Two units as one number that orders as they do; a name that ends comes first. */
function unitsAt(name: string, at: number): number {
  if (at >= name.length) return ENDED;
  const second = at + 1 < name.length ? name.charCodeAt(at + 1) + 1 : 0;
  return name.charCodeAt(at) * 0x1_0001 + second;
}

function byName(left: Named, right: Named): number {
  return left.name < right.name ? -1 : left.name > right.name ? 1 : 0;
}
