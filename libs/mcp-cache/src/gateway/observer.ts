import { cacheableMethod } from '../caching/cacheable.js';

/** What is told of each request, for metrics. Names of methods and of servers are from closed sets: see `methodLabel`. */
export interface McpObserver {
  /** A client was answered. `outcome`: what `x-cache` says, or `passed` where the cache had no part in it. */
  readonly answered: (server: ObservedServer, method: string, outcome: string) => void;
  /** A server began its answer after so many milliseconds, or failed to. */
  readonly asked: (server: ObservedServer, method: string, ms: number, failed: boolean) => void;
  /** A client got an error of the gateway's own, by its code. */
  readonly refused: (code: string) => void;
}

export interface ObservedServer {
  readonly tenant: string;
  readonly name: string;
}

/** Those that are never kept. */
const OTHERS: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'completion/complete',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
  'subscriptions/listen',
]);

/** Clients may ask for whatever they like. */
export function methodLabel(method: string): string {
  return cacheableMethod(method) !== null || OTHERS.has(method) ? method : 'other';
}
