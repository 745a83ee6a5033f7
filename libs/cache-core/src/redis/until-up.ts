import { RedisUnavailableError } from './errors.js';
import type { LinkState, RedisLink } from './link.js';

/** Resolves when the link is up, or rejects with its trouble. */
export async function untilUp(link: RedisLink, withinMs: number): Promise<void> {
  if (link.up) return;
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      link.off('state', listen);
      reject(new RedisUnavailableError('away', link.name, { cause: link.lastError }));
    }, withinMs);
    const listen = (state: LinkState): void => {
      if (state !== 'up') return;
      clearTimeout(timer);
      link.off('state', listen);
      resolve();
    };
    link.on('state', listen);
  });
}
