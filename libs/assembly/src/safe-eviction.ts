import type { RedisRoles } from '@promptsales/cache-core';
import { explainEviction, type RedisHealth } from '@promptsales/health';
import type { Logger } from '@promptsales/http-edge';
import { setTimeout as delay } from 'node:timers/promises';

/** Keys that must not be lost could be evicted, and the process was told to refuse that. */
export class UnsafeEvictionError extends Error {
  readonly code = 'unsafe_eviction';

  constructor(findings: readonly string[]) {
    super(`REQUIRE_SAFE_EVICTION: is true, and ${findings.join('; ')}.`);
    this.name = 'UnsafeEvictionError';
  }
}

export interface EvictionCheckParts {
  readonly roles: RedisRoles;
  readonly health: Pick<RedisHealth, 'report'>;
  readonly required: boolean;
  readonly logger: Pick<Logger, 'warn'>;
}

const LOOK_EVERY_MS = 25;
const LOOK_AGAIN_EVERY_MS = 500;

/**
 * Whether memory pressure could take what must not be lost, looked at once for each server of Redis. One that is away at start is
 * looked at when it appears: a process that was told to refuse may have served without it until then, and does not go on with it.
 */
export class EvictionCheck {
  readonly #parts: EvictionCheckParts;
  /** Roles whose server has not been seen. */
  readonly #unseen: Set<string>;
  readonly #stopped = new AbortController();

  constructor(parts: EvictionCheckParts) {
    this.#parts = parts;
    this.#unseen = new Set(parts.roles.links().flatMap((link) => parts.roles.rolesOf(link)));
  }

  /** Waits for Redis as long as it may and says loudly what it finds. Throws where that was asked for. */
  async atStart(withinMs: number): Promise<void> {
    const { roles, logger } = this.#parts;
    const deadline = performance.now() + withinMs;
    while (!roles.up && performance.now() < deadline) await delay(LOOK_EVERY_MS);
    if (!roles.up) {
      logger.warn('Redis cannot be reached: starting without it, every request goes to its origin until it appears');
    }
    await this.#look();
  }

  /** Goes on looking until every server has been seen. Where nothing is required, health says it soon enough. */
  async untilSeen(refuse: (error: UnsafeEvictionError) => void): Promise<void> {
    const { signal } = this.#stopped;
    while (this.#parts.required && this.#unseen.size > 0 && !signal.aborted) {
      try {
        await this.#look();
      } catch (error) {
        if (error instanceof UnsafeEvictionError) return refuse(error);
        this.#parts.logger.warn({ err: error }, 'the eviction policy of Redis cannot be looked at');
      }
      await delay(LOOK_AGAIN_EVERY_MS, undefined, { ref: false, signal }).catch((error: Error) => {
        // Stopped, which the condition sees.
        if (error.name !== 'AbortError') throw error;
      });
    }
  }

  stop(): void {
    this.#stopped.abort();
  }

  async #look(): Promise<void> {
    const { health, logger, required } = this.#parts;
    const unsafe: string[] = [];
    const unseen = new Set(this.#unseen);
    for (const { roles, eviction } of (await health.report()).servers) {
      // Several servers of a cluster have the same roles: what one look sees of them is all new.
      const fresh = roles.filter((role) => unseen.has(role));
      for (const role of fresh) this.#unseen.delete(role);
      const explanation = fresh.length === 0 ? null : explainEviction(eviction);
      if (explanation === null) continue;
      logger.warn({ eviction }, explanation);
      if (eviction.kind === 'unsafe') unsafe.push(explanation);
    }
    if (required && unsafe.length > 0) throw new UnsafeEvictionError(unsafe);
  }
}
