/** The groups that a report can be made by. */
export const SAVINGS_GROUPS = ['model', 'client', 'day', 'route', 'campaign', 'tenant'] as const;
export type SavingsGroup = (typeof SAVINGS_GROUPS)[number];

/** What one side (calls or reused answers) of one group adds up to, as PostgreSQL counted it. */
export interface SideSum {
  readonly key: string | null;
  /** Upstream calls, or reused answers. */
  readonly count: number;
  /** Of these, the ones that were a client's request of its own (a retry, a refresh or a part of an answer is not). */
  readonly requests: number;
  /** Of these, the ones that were a part of an answer; a call counts the request. */
  readonly partial: number;
  readonly coalesced: number;
  readonly simulated: number;
  /** Some of the money is not real, if only that of a part. */
  readonly anySimulated: boolean;
  /** Lines whose cost is not known, those that are still open or became unknown included. */
  readonly unpriced: number;
  readonly unsettled: number;
  readonly unknown: number;
  readonly nanoUsd: bigint | null;
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
}

/** Both sides of one group. They are added up apart and never with each other. */
export interface GroupSum {
  readonly key: string | null;
  readonly calls: SideSum | null;
  readonly reuse: SideSum | null;
}

/** Brings the sides together by key: days in their order, everything else by the number of requests. */
export function groupSums(calls: readonly SideSum[], reuse: readonly SideSum[], group: SavingsGroup): GroupSum[] {
  const groups = new Map<string | null, GroupSum>();
  for (const side of calls) groups.set(side.key, { key: side.key, calls: side, reuse: null });
  for (const side of reuse) {
    groups.set(side.key, { key: side.key, calls: groups.get(side.key)?.calls ?? null, reuse: side });
  }
  const byKey = (one: GroupSum, other: GroupSum): number => compare(one.key ?? '', other.key ?? '');
  const byRequests = (one: GroupSum, other: GroupSum): number =>
    requestsOf(other) - requestsOf(one) || byKey(one, other);
  return [...groups.values()].toSorted(group === 'day' ? byKey : byRequests);
}

export function totalOf(groups: readonly GroupSum[]): GroupSum {
  return {
    key: null,
    calls: addUp(groups.flatMap(({ calls }) => (calls === null ? [] : [calls]))),
    reuse: addUp(groups.flatMap(({ reuse }) => (reuse === null ? [] : [reuse]))),
  };
}

export function requestsOf(group: GroupSum): number {
  return (group.calls?.requests ?? 0) + (group.reuse?.requests ?? 0);
}

function addUp(sides: readonly SideSum[]): SideSum | null {
  return sides.length === 0 ? null : sides.reduce(add);
}

function add(one: SideSum, other: SideSum): SideSum {
  return {
    key: null,
    count: one.count + other.count,
    requests: one.requests + other.requests,
    partial: one.partial + other.partial,
    coalesced: one.coalesced + other.coalesced,
    simulated: one.simulated + other.simulated,
    anySimulated: one.anySimulated || other.anySimulated,
    unpriced: one.unpriced + other.unpriced,
    unsettled: one.unsettled + other.unsettled,
    unknown: one.unknown + other.unknown,
    nanoUsd: known(one.nanoUsd, other.nanoUsd, (left, right) => left + right),
    inputTokens: known(one.inputTokens, other.inputTokens, plus),
    cachedInputTokens: known(one.cachedInputTokens, other.cachedInputTokens, plus),
    outputTokens: known(one.outputTokens, other.outputTokens, plus),
    reasoningTokens: known(one.reasoningTokens, other.reasoningTokens, plus),
  };
}

/** The sum of what is known; null only where nothing is. */
function known<T>(one: T | null, other: T | null, sum: (left: T, right: T) => T): T | null {
  if (one === null) return other;
  return other === null ? one : sum(one, other);
}

function plus(left: number, right: number): number {
  return left + right;
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
