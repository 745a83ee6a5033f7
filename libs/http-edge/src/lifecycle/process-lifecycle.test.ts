import { EventEmitter, once } from 'node:events';
import { PassThrough } from 'node:stream';
import { createLogger } from '../logging/logger.js';
import { ProcessLifecycle, type ShutdownStep } from './process-lifecycle.js';

function lifecycle() {
  const signals = new EventEmitter();
  const exits = new EventEmitter();
  const codes: number[] = [];
  const destination = new PassThrough();
  const log = createLogger({ service: 'sample', destination });
  const subject = new ProcessLifecycle({
    log,
    signals,
    exit: (code) => {
      codes.push(code);
      exits.emit('exit', code);
    },
  });
  return { subject, signals, codes, exited: () => once(exits, 'exit'), logged: () => String(destination.read() ?? '') };
}

const step = (name: string, run: () => Promise<unknown>, withinMs = 1000): ShutdownStep => ({ name, withinMs, run });

describe('ProcessLifecycle', () => {
  it('runs the steps in order on SIGTERM and exits 0', async () => {
    const { subject, signals, exited, codes } = lifecycle();
    const ran: string[] = [];
    subject.onShutdown(['readiness', 'drain', 'flush'].map((name) => step(name, async () => ran.push(name))));
    const exit = exited();
    signals.emit('SIGTERM');
    await exit;
    expect(ran).toEqual(['readiness', 'drain', 'flush']);
    expect(codes).toEqual([0]);
  });

  it('runs the later steps although one fails, and exits 1', async () => {
    const { subject, signals, exited, codes, logged } = lifecycle();
    const flush = jest.fn(async () => undefined);
    subject.onShutdown([step('drain', () => Promise.reject(new Error('stuck'))), step('flush', flush)]);
    const exit = exited();
    signals.emit('SIGINT');
    await exit;
    expect(flush).toHaveBeenCalledTimes(1);
    expect(codes).toEqual([1]);
    expect(logged()).toContain('stuck');
  });

  it('gives up a step that takes longer than it may', async () => {
    const { subject, signals, exited, codes } = lifecycle();
    subject.onShutdown([step('drain', () => new Promise(() => undefined), 5)]);
    const exit = exited();
    signals.emit('SIGTERM');
    await exit;
    expect(codes).toEqual([1]);
  });

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ])('ends at once at a second signal (%s → %i)', async (signal, code) => {
    const { subject, signals, exited, codes } = lifecycle();
    const { promise, resolve } = Promise.withResolvers<void>();
    subject.onShutdown([step('drain', () => promise, 60_000)]);
    const exit = exited();
    signals.emit('SIGTERM');
    signals.emit(signal);
    await exit;
    expect(codes).toEqual([code]);
    resolve();
  });

  it('ends itself like a signal would, with the reason and exit code 1', async () => {
    const { subject, signals, exited, codes, logged } = lifecycle();
    const ran: string[] = [];
    subject.onShutdown([step('drain', async () => ran.push('drain'))]);
    await subject.refuse(Object.assign(new Error('this must not be'), { code: 'unsafe' }));
    expect({ ran, codes }).toEqual({ ran: ['drain'], codes: [1] });
    expect(logged()).toMatch(/"level":"fatal".*"code":"unsafe".*"msg":"this must not be"/);
    const again = exited();
    signals.emit('SIGTERM');
    await again;
    expect(codes).toEqual([1, 143]);
  });

  it.each(['uncaughtException', 'unhandledRejection'])('logs an %s and exits 1', async (event) => {
    const { signals, exited, codes, logged } = lifecycle();
    const exit = exited();
    signals.emit(event, new Error('nobody caught this'));
    await exit;
    expect(codes).toEqual([1]);
    expect(logged()).toContain('nobody caught this');
  });
});
