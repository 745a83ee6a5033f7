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
  /** Of these, the ones beside which a call was made, which counts the request. */
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

export function requestsOf(group: GroupSum): number {
  return (group.calls?.requests ?? 0) + (group.reuse?.requests ?? 0);
}
