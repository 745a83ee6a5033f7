/** The documented counters: each limit is counted where other systems look for it. */
import { dayHourText, dayMinuteText, keyspace, type Family, type KeyRef } from '@promptsales/cache-core';

export interface Counter {
  readonly family: Family;
  readonly windowMs: number;
  /** Two windows of the clock make a sliding one. Else a window begins with its first count. */
  readonly sliding: boolean;
  /** In a cluster, all that is counted of one subject lies in one slot. */
  readonly subject: string;
  /** @param beginsMs when a window of the clock begins; of the other kind there is one key */
  keyAt(beginsMs: number): KeyRef;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

/** `ratelimit:{service}::minute`: calls of a service, whoever makes them. */
export function serviceMinute(service: string): Counter {
  const family = keyspace.ratelimitService;
  const ref = family.at({ service, user_id: '' });
  return { family, windowMs: MINUTE_MS, sliding: false, subject: service, keyAt: () => ref };
}

/** `ratelimit:{client}:{service}:minute:{yyyy-mm-dd-HH-MM}` */
export function clientMinute(client: string, service: string, tenant: string): Counter {
  const family = keyspace.ratelimitClient;
  return {
    family,
    windowMs: MINUTE_MS,
    sliding: true,
    subject: client,
    keyAt: (ms) => family.at({ client, service, 'yyyy-mm-dd-HH-MM': dayMinuteText(new Date(ms)) }, tenant),
  };
}

/** `ratelimit:mcp:{tool}:{client}:hour:{yyyy-mm-dd-HH}` */
export function toolHour(tool: string, client: string, tenant: string): Counter {
  const family = keyspace.ratelimitMcp;
  return {
    family,
    windowMs: HOUR_MS,
    sliding: true,
    subject: client,
    keyAt: (ms) => family.at({ tool, client, 'yyyy-mm-dd-HH': dayHourText(new Date(ms)) }, tenant),
  };
}

/** `rate:{user_id}:{action}:{bucket}`, for windows of any length; a bucket is `60s-1795662000`, its length and its begin. */
export function actionWindow(subject: string, action: string, windowSeconds: number, tenant?: string): Counter {
  const family = keyspace.ratelimitAction;
  return {
    family,
    windowMs: windowSeconds * 1000,
    sliding: true,
    subject,
    keyAt: (ms) => family.at({ user_id: subject, action, bucket: `${windowSeconds}s-${ms / 1000}` }, tenant),
  };
}

/** Tells counters apart, whichever window is running. */
export function counterName(counter: Counter): string {
  return `${counter.family.id} ${counter.keyAt(0).key}`;
}
