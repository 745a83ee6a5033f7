import { SchedulerRegistry } from '@nestjs/schedule';
import { MetricsRegistry } from '@promptsales/health';
import { createLogger } from '@promptsales/http-edge';
import { PassThrough } from 'node:stream';
import type { Attempt } from './fleet-lock.js';
import type { Job } from './job.js';
import { JobRunner, type Lock } from './job-runner.js';

/** A lock that is always free, or never. */
const free: Lock = {
  tryWith: async <T>(_name: string, work: () => Promise<T>): Promise<Attempt<T>> => ({
    ran: true,
    result: await work(),
  }),
};
const taken: Lock = { tryWith: () => Promise.resolve({ ran: false }) };

function runnerOf(lock: Lock, jobs: readonly Job[] = []) {
  const metrics = new MetricsRegistry('worker');
  const destination = new PassThrough();
  const { logger } = createLogger({ service: 'worker', destination });
  const runner = new JobRunner(jobs, lock, new SchedulerRegistry(), { metrics, logger });
  return { runner, metrics, logged: () => String(destination.read() ?? '') };
}

const job = (run: Job['run'], name = 'sample', everyMs = 60_000): Job => ({ name, everyMs, run });

describe('JobRunner', () => {
  it('does a turn, counts it and says what was done', async () => {
    const { runner, metrics, logged } = runnerOf(free);
    expect(await runner.turn(job(() => Promise.resolve({ orphans: 3 })))).toBe('done');
    expect(await metrics.expose()).toContain('worker_job_turns_total{job="sample",turn="done",service="worker"} 1');
    expect(logged()).toContain('"orphans":3');
  });

  it('drops a turn while the one before runs', async () => {
    const { runner } = runnerOf(free);
    const { promise, resolve } = Promise.withResolvers<Record<string, number>>();
    const slow = job(() => promise);
    const first = runner.turn(slow);
    expect(await runner.turn(slow)).toBe('still_running');
    resolve({});
    expect(await first).toBe('done');
    expect(await runner.turn(job(() => Promise.resolve({})))).toBe('done');
  });

  it('leaves to another worker what that one does', async () => {
    const run = jest.fn(() => Promise.resolve({}));
    expect(await runnerOf(taken).runner.turn(job(run))).toBe('elsewhere');
    expect(run).not.toHaveBeenCalled();
  });

  it('survives a failure, reports it to health, and recovers with the next turn', async () => {
    const { runner, logged } = runnerOf(free);
    expect(await runner.turn(job(() => Promise.reject(new Error('no luck'))))).toBe('failed');
    expect(logged()).toContain('no luck');
    expect(runner.condition()).toEqual({ status: 'degraded', detail: { failing: ['sample'] } });
    expect(await runner.turn(job(() => Promise.resolve({})))).toBe('done');
    expect(runner.condition().status).toBe('up');
  });

  it('gives turns by the clock until it ends, and waits for what runs', async () => {
    jest.useFakeTimers();
    try {
      const { promise, resolve } = Promise.withResolvers<Record<string, number>>();
      const run = jest.fn(() => promise);
      const { runner } = runnerOf(free, [job(run, 'sample', 1000)]);
      runner.onApplicationBootstrap();
      jest.advanceTimersByTime(3500);
      expect(run).toHaveBeenCalledTimes(1);
      let ended = false;
      const ending = runner.onModuleDestroy().then(() => (ended = true));
      await jest.advanceTimersByTimeAsync(1000);
      expect(ended).toBe(false);
      resolve({});
      await ending;
      jest.advanceTimersByTime(5000);
      expect(run).toHaveBeenCalledTimes(1);
    } finally {
      jest.useRealTimers();
    }
  });

  it('does not hold up the end of its process for work that does not end', async () => {
    jest.useFakeTimers();
    try {
      const { runner } = runnerOf(free);
      void runner.turn(job(() => new Promise(() => undefined)));
      let ended = false;
      const ending = runner.onModuleDestroy().then(() => (ended = true));
      await jest.advanceTimersByTimeAsync(1900);
      expect(ended).toBe(false);
      await jest.advanceTimersByTimeAsync(200);
      await ending;
    } finally {
      jest.useRealTimers();
    }
  });
});
