import { DatabaseUnavailableError } from '../errors.js';

export interface ChangeWatchOptions {
  /** Brings what this process knows up to date. Never runs twice at a time. */
  readonly look: () => Promise<void>;
  readonly everyMs: number;
  /** Told why a look failed; what was known before goes on being used, and the next look comes as if nothing had been. */
  readonly failed: (error: unknown) => void;
}

const START_ATTEMPTS = 10;

/** Keeps in memory what lies in the database and may be changed by any process: looks for changes again and again. */
export class ChangeWatch {
  readonly #options: ChangeWatchOptions;
  #look: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: ChangeWatchOptions) {
    this.#options = options;
  }

  /** A first look, then one every `everyMs`. Throws when the database still does not answer after some attempts. */
  async start(): Promise<void> {
    const { look, everyMs } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await look();
        break;
      } catch (error) {
        if (!(error instanceof DatabaseUnavailableError) || attempt === START_ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    }
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** A look that begins after this call: what was committed before is then known here. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#look !== null) await this.#look;
    await this.#lookNow();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#lookNow(), this.#options.everyMs);
    this.#timer.unref();
  }

  #lookNow(): Promise<void> {
    this.#look ??= this.#options
      .look()
      .catch((error: unknown) => this.#options.failed(error))
      .finally(() => {
        this.#look = null;
        this.#schedule();
      });
    return this.#look;
  }
}
