import type { JobEvent } from '../store/job-events.js';
import { jobEventStream, type StreamParts } from './job-event-stream.js';

const AT = new Date('2026-11-21T12:00:00Z');
const event = (number: number): JobEvent => ({ number, type: 'progress', data: { progress: number }, at: AT });

/** A job with these events, which does not end; rings when it is told to. */
function job(events: JobEvent[]): { parts: StreamParts; ring: () => void; listening: () => boolean } {
  let heard: (() => void) | null = null;
  return {
    parts: {
      store: {
        eventsAfter: (_id, after) =>
          Promise.resolve({ events: events.filter(({ number }) => number > after), ended: false }),
      },
      bell: {
        onChange: (_id, listener) => {
          heard = listener;
          return Promise.resolve(() => (heard = null));
        },
      },
      times: { lookEveryMs: 60_000, heartbeatMs: 60_000 },
    },
    ring: () => heard?.(),
    listening: () => heard !== null,
  };
}

describe('the events of a job', () => {
  it('end with the process, which tells the client when to come back, to whom it may', async () => {
    const { parts, ring, listening } = job([event(1), event(2)]);
    const [left, ending] = [new AbortController(), new AbortController()];
    const stream = jobEventStream(parts, 'j', 1, { left: left.signal, ending: ending.signal });
    expect((await stream.next()).value).toBe('retry: 1000\n\n');
    expect((await stream.next()).value).toContain('id: 2\n');
    const rest = stream.next();
    ending.abort();
    const { value, done } = await rest;
    expect(done).toBe(false);
    const retryMs = Number(/^retry: (\d+)\n: .*\n\n$/.exec(String(value))?.[1]);
    expect(retryMs).toBeGreaterThanOrEqual(1_000);
    expect(retryMs).toBeLessThanOrEqual(3_000);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
    expect(listening()).toBe(false);
    ring();
    // Another process goes on behind the last event that it has had.
    const further = job([event(1), event(2), event(3)]);
    const next = jobEventStream(further.parts, 'j', 2, { left: left.signal });
    await next.next();
    expect((await next.next()).value).toContain('id: 3\n');
    left.abort();
    expect((await next.next()).done).toBe(true);
  });

  it('say nothing more to a client who has left', async () => {
    const { parts } = job([]);
    const left = new AbortController();
    const stream = jobEventStream(parts, 'j', 0, { left: left.signal, ending: new AbortController().signal });
    await stream.next();
    const rest = stream.next();
    left.abort();
    expect(await rest).toEqual({ done: true, value: undefined });
  });
});
