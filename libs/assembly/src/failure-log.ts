import type { Logger } from '@promptsales/http-edge';

const ONCE_PER_MS = 60_000;

/** Tells the operator of failures that callers are told nothing about: the first of each kind in a minute, and how many followed it. */
export class FailureLog {
  readonly #logger: Pick<Logger, 'error'>;
  readonly #what: string;
  readonly #now: () => number;
  readonly #told = new Map<string, { at: number; since: number }>();

  constructor(logger: Pick<Logger, 'error'>, what: string, now: () => number = Date.now) {
    this.#logger = logger;
    this.#what = what;
    this.#now = now;
  }

  failed(error: unknown): void {
    const code = codeOf(error);
    const last = this.#told.get(code);
    if (last !== undefined && this.#now() - last.at < ONCE_PER_MS) {
      last.since += 1;
      return;
    }
    this.#told.set(code, { at: this.#now(), since: 0 });
    this.#logger.error({ err: error, code, untold: last?.since ?? 0 }, this.#what);
  }
}

/** Codes and class names: a small set, unlike messages. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code: unknown = Reflect.get(error, 'code');
  return typeof code === 'string' ? code : error.name;
}
