import { EventEmitter } from 'node:events';
import { Deadlines } from './deadlines.js';
import { RedisUnavailableError } from './errors.js';
import type { LinkEvents, LinkState, RecoveringPart, RecoveryRun, RecoveryStep } from './link.js';

/** What every link has, whatever is at its other end: a state and who is told of it, recovery steps, and deadlines. */
export abstract class LinkBase extends EventEmitter<LinkEvents> {
  readonly name: string;
  /** Why the link is not up. */
  abstract get lastError(): string | null;
  protected readonly deadlines = new Deadlines();
  readonly #commandTimeoutMs: number;
  readonly #recoverySteps = new Set<RecoveryStep>();
  #state: LinkState = 'connecting';

  constructor({ name, commandTimeoutMs }: { readonly name: string; readonly commandTimeoutMs: number }) {
    super();
    this.setMaxListeners(50);
    this.name = name;
    this.#commandTimeoutMs = commandTimeoutMs;
  }

  get state(): LinkState {
    return this.#state;
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  async untilUp(withinMs: number): Promise<void> {
    if (this.up) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.off('state', listen);
        reject(this.away());
      }, withinMs);
      const listen = (state: LinkState): void => {
        if (state !== 'up') return;
        clearTimeout(timer);
        this.off('state', listen);
        resolve();
      };
      this.on('state', listen);
    });
  }

  onRecovery(step: RecoveryStep): () => void {
    this.#recoverySteps.add(step);
    return () => this.#recoverySteps.delete(step);
  }

  untilScriptsExpire(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.#commandTimeoutMs));
  }

  within<T>(work: Promise<T>): Promise<T> {
    return this.deadlines.race(work, this.#commandTimeoutMs, () => new RedisUnavailableError('timeout', this.name));
  }

  protected async recover(run: RecoveryRun, part: RecoveringPart): Promise<void> {
    for (const step of this.#recoverySteps) await step(run, part);
  }

  /** What is closed stays closed. */
  protected become(state: LinkState, reason: string): void {
    if (this.#state === state || this.#state === 'closed') return;
    this.#state = state;
    this.emit('state', state, reason);
  }

  protected isClosed(): boolean {
    return this.#state === 'closed';
  }

  protected away(cause: unknown = this.lastError): RedisUnavailableError {
    return new RedisUnavailableError('away', this.name, { cause });
  }
}
