import type { Logger } from 'pino';
import type { ProcessLogger } from '../logging/logger.js';

/** One part of a shutdown, in order: `withinMs` bounds it, so that no part can keep the process from ending. */
export interface ShutdownStep {
  readonly name: string;
  readonly withinMs: number;
  run(): Promise<unknown>;
}

export interface ProcessLifecycleOptions {
  readonly log: ProcessLogger;
  readonly exit?: (code: number) => void;
  readonly signals?: NodeJS.EventEmitter;
}

const SIGNAL_NUMBERS = { SIGINT: 2, SIGTERM: 15 } as const;
type Signal = keyof typeof SIGNAL_NUMBERS;

/**
 * How a process ends. The first SIGTERM or SIGINT runs the steps in order and exits 0 (1 when a step failed); a second one exits at
 * once with 128 + its number; `refuse` is the process's own first signal, and exits 1. What nobody caught is logged and ends the process with 1: after it no state can be trusted.
 */
export class ProcessLifecycle {
  readonly #log: ProcessLogger;
  readonly #logger: Logger;
  readonly #exit: (code: number) => void;
  #steps: readonly ShutdownStep[] = [];
  #ending = false;

  constructor(options: ProcessLifecycleOptions) {
    this.#log = options.log;
    this.#logger = options.log.logger;
    this.#exit = options.exit ?? ((code) => process.exit(code));
    const signals = options.signals ?? process;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) signals.on(signal, () => void this.#onSignal(signal));
    signals.on('uncaughtException', (error: unknown) => void this.#onFatal(error, 'uncaught exception'));
    signals.on('unhandledRejection', (error: unknown) => void this.#onFatal(error, 'unhandled rejection'));
  }

  /** What a shutdown does from now on. Until it is set, a signal just ends the process: nothing has begun that needs an end. */
  onShutdown(steps: readonly ShutdownStep[]): void {
    this.#steps = steps;
  }

  /** Ends a process that found out that it must not go on: as a signal would, with exit code 1. */
  async refuse(error: Error): Promise<void> {
    if (this.#ending) return;
    this.#ending = true;
    this.#logger.fatal({ code: Reflect.get(error, 'code') }, error.message);
    await this.#end(1);
  }

  async #onSignal(signal: Signal): Promise<void> {
    if (this.#ending) {
      this.#logger.warn({ signal }, 'second signal: ending at once');
      await this.#log.flush();
      this.#exit(128 + SIGNAL_NUMBERS[signal]);
      return;
    }
    this.#ending = true;
    this.#logger.info({ signal }, 'shutting down');
    await this.#end(0);
  }

  /** Runs the steps; `code` is that of an end in which none of them failed. */
  async #end(code: number): Promise<void> {
    let failed = false;
    for (const step of this.#steps) {
      const began = performance.now();
      try {
        await within(step);
        this.#logger.info({ step: step.name, ms: Math.round(performance.now() - began) }, 'shutdown step done');
      } catch (error) {
        failed = true;
        this.#logger.error({ err: error, step: step.name }, 'shutdown step failed');
      }
    }
    this.#logger.info('ended');
    await this.#log.flush();
    this.#exit(failed ? 1 : code);
  }

  async #onFatal(error: unknown, what: string): Promise<void> {
    this.#logger.fatal({ err: error }, what);
    await this.#log.flush();
    this.#exit(1);
  }
}

async function within(step: ShutdownStep): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const bound = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the step "${step.name}" did not end within ${step.withinMs} ms`));
    }, step.withinMs);
  });
  try {
    await Promise.race([step.run(), bound]);
  } finally {
    clearTimeout(timer);
  }
}
