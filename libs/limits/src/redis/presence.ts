import { keyspace, loadScript, placedKey, type RedisLink } from '@promptsales/cache-core';
import { randomUUID } from 'node:crypto';

const BE_PRESENT = loadScript(new URL('./lua/be-present.lua', import.meta.url));
/** A process that has missed so many of its times is gone. */
const MISSED = 3;

/** How many processes share the limits, as it was when Redis said so last: what each may take alone follows from it. */
export class Presence {
  readonly #process = randomUUID();
  readonly #link: RedisLink;
  readonly #keyPrefix: string;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #known = 1;

  constructor(link: RedisLink, keyPrefix: string, everyMs: number) {
    this.#link = link;
    this.#keyPrefix = keyPrefix;
    this.#everyMs = everyMs;
  }

  get processes(): number {
    return this.#known;
  }

  /** From when a process is asked for the first time: one that limits nothing shares nothing. */
  begin(): void {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setInterval(() => void this.#say(), this.#everyMs).unref();
    void this.#say();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  async #say(): Promise<void> {
    const key = placedKey(this.#keyPrefix, keyspace.ratelimitProcesses.at({}), this.#link.clustered);
    try {
      this.#known = Number(await this.#link.run(BE_PRESENT, [key], [this.#process, MISSED * this.#everyMs]));
    } catch {
      // What was known last holds while Redis is away; that it is, its link tells.
    }
  }
}
