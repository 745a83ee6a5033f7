import { Wake } from '@promptsales/cache-core';
import type { JobBell } from '../bell/job-bell.js';
import type { JobEvent } from '../store/job-events.js';
import type { JobStore } from '../store/job-store.js';

export interface StreamTimes {
  /** Between looks for new events where nothing was heard. */
  readonly lookEveryMs: number;
  /** A comment is sent when nothing else was for so long, so that nobody takes the connection for dead. */
  readonly heartbeatMs: number;
}

export const DEFAULT_STREAM: StreamTimes = Object.freeze({ lookEveryMs: 1_000, heartbeatMs: 15_000 });

export interface StreamParts {
  readonly store: Pick<JobStore, 'eventsAfter'>;
  readonly bell: Pick<JobBell, 'onChange'>;
  readonly times?: Partial<StreamTimes>;
}

/** What a client waits before it comes back. */
const RETRY_MS = 1_000;
/** Where a process ends, all its clients come back: not at one moment. */
const MOST_RETRY_MS = 3_000;

export interface StreamEnds {
  /** The client has left. */
  readonly left: AbortSignal;
  /** This process ends: the client is told to come back, and another one goes on behind the last event. */
  readonly ending?: AbortSignal | undefined;
}

/**
 * The events of a job behind one that is known, as server-sent events, until the last. They are read from PostgreSQL: any
 * process can serve them, and a client that comes back to another with the last id that it has misses nothing.
 */
export async function* jobEventStream(
  { store, bell, times }: StreamParts,
  id: string,
  after: number,
  { left, ending }: StreamEnds,
): AsyncGenerator<string> {
  const { lookEveryMs, heartbeatMs } = { ...DEFAULT_STREAM, ...times };
  const wake = new Wake();
  const over = ending === undefined ? left : AbortSignal.any([left, ending]);
  const silence = await bell.onChange(id, () => wake.ring());
  try {
    yield `retry: ${RETRY_MS}\n\n`;
    let last = after;
    let saidAt = performance.now();
    while (!over.aborted) {
      const { events, ended } = await store.eventsAfter(id, last);
      for (const event of events) {
        yield eventText(id, event);
        last = event.number;
        saidAt = performance.now();
      }
      if (ended) return;
      if (performance.now() - saidAt >= heartbeatMs) {
        yield ': heartbeat\n\n';
        saidAt = performance.now();
      }
      await wake.orAfter(Math.min(lookEveryMs, heartbeatMs), over);
    }
    if (!left.aborted)
      yield `retry: ${Math.round(RETRY_MS + Math.random() * (MOST_RETRY_MS - RETRY_MS))}\n: to be continued\n\n`;
  } finally {
    silence();
  }
}

function eventText(id: string, { number, type, data, at }: JobEvent): string {
  return `event: ${type}\nid: ${number}\ndata: ${JSON.stringify({ job_id: id, ...data, at: at.toISOString() })}\n\n`;
}
