import type { RedisLink } from '@promptsales/cache-core';
import type { Logger } from '@promptsales/http-edge';

/** Within so long all links to a server have noticed that it is gone, or are there again. */
const TOGETHER_MS = 1_000;

type Change = 'up' | 'down';

/** Tells when Redis goes and comes: of all links that go or come together in one line. */
export function logLinks(
  links: readonly Pick<RedisLink, 'name' | 'on'>[],
  logger: Pick<Logger, 'info' | 'warn'>,
): void {
  const changes = new Changes(logger);
  for (const link of links) {
    link.on('state', (state, reason) => {
      if (state === 'up' || state === 'down') changes.note(link.name, state, reason);
    });
  }
}

class Changes {
  readonly #logger: Pick<Logger, 'info' | 'warn'>;
  /** Links that have become the same, with why, and are not told of yet. */
  #changed = new Map<string, string>();
  #change: Change = 'up';
  #timer: NodeJS.Timeout | undefined;

  constructor(logger: Pick<Logger, 'info' | 'warn'>) {
    this.#logger = logger;
  }

  note(link: string, change: Change, reason: string): void {
    if (change !== this.#change) this.#tell();
    this.#change = change;
    this.#changed.set(link, reason);
    this.#timer ??= setTimeout(() => this.#tell(), TOGETHER_MS).unref();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const links = [...this.#changed.keys()];
    const reasons = [...new Set(this.#changed.values())];
    this.#changed = new Map();
    if (links.length === 0) return;
    if (this.#change === 'up') this.#logger.info({ links }, 'Redis is there');
    else this.#logger.warn({ links, reason: reasons.join('; ') }, 'Redis is gone');
  }
}
