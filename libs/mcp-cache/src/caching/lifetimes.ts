/** How long a result is kept, and how old it may be when it is served. */
import type { JsonObject } from '../json-rpc/message.js';
import { SHORT_SECONDS } from './cacheable.js';
import type { Question } from './question.js';

/** Less is not worth keeping. */
export const LEAST_SECONDS = 1;
/** Whoever says more means for ever, which nothing is kept. */
const MOST_SECONDS = 31_536_000;

/** What of a question a result's life depends on. */
type Asked = Pick<Question, 'server' | 'controls' | 'permission' | 'method' | 'changes'>;

/** Null: it is not to be kept at all. */
export function lifetimeOf(question: Asked, result: JsonObject | null, familySeconds: number): number | null {
  const { server, controls } = question;
  const bounds = [said(result) ?? usualSeconds(question, familySeconds), server.ttlCapSeconds, controls.ttlSeconds];
  const seconds = Math.min(MOST_SECONDS, ...bounds.filter((bound) => bound !== null));
  return seconds >= LEAST_SECONDS ? seconds : null;
}

function said(result: JsonObject | null): number | null {
  const ttlMs = result?.['ttlMs'];
  return typeof ttlMs === 'number' ? ttlMs / 1000 : null;
}

function usualSeconds({ permission, method, changes }: Asked, familySeconds: number): number {
  if (permission !== null) return permission.ttlSeconds ?? familySeconds;
  const seconds = method.defaultSeconds ?? familySeconds;
  return changes === 'unknown' ? Math.min(SHORT_SECONDS, seconds) : seconds;
}

/**
 * Whether what is kept may still be served. What a server has said no time of, but tells changes of, is good for long only
 * while somebody hears what it tells.
 */
export function isGoodAt(ageSeconds: number, result: JsonObject, heard: boolean): boolean {
  return heard || ageSeconds <= SHORT_SECONDS || said(result) !== null;
}
