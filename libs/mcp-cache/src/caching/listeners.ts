/**
 * Whether changes would be heard of. Lists of a server that tells of changes live long while somebody listens to it, in
 * whichever process, and briefly otherwise: a server that refuses to be listened to, or a stream that has broken off, must
 * not leave an old list behind.
 *
 * Invariants
 * 1. Whoever begins to listen first ends what was kept while nobody did: a change in between was not heard.
 * 2. A process that has a listener already need not: that one has heard everything since.
 * 3. A mark in Redis tells the other processes. It ends by itself when its process is gone.
 */
import { keyspace, type PlainValues } from '@promptsales/cache-core';
import type { Generations } from './generations.js';
import type { Scopes } from './scopes.js';

const MARK_SECONDS = 6;
const RENEWED_EVERY_MS = 2_000;
/** For so long it is taken for known whether others listen. */
const REMEMBERED_MS = 1_000;
const MOST_REMEMBERED = 10_000;

export interface ListenersParts {
  readonly plain: Pick<PlainValues, 'read' | 'write' | 'remove'>;
  readonly generations: Generations;
  /** What is absorbed: without Redis, nobody is known to listen. */
  readonly failed: (error: unknown) => void;
}

export class Listeners {
  readonly #parts: ListenersParts;
  /** How many of this process, by scope. */
  readonly #here = new Map<string, number>();
  readonly #elsewhere = new Map<string, { readonly live: boolean; readonly askedAt: number }>();
  readonly #renewal: NodeJS.Timeout;

  constructor(parts: ListenersParts) {
    this.#parts = parts;
    this.#renewal = setInterval(() => void this.#mark([...this.#here.keys()]), RENEWED_EVERY_MS);
    this.#renewal.unref();
  }

  /**
   * Called when a stream of notifications stands, before anything of it is passed on. The result is called when it ends.
   * @param hearsAll false: who hears of some lists only ends what was kept for himself, and is no listener for others
   */
  async begin(scopes: Scopes, hearsAll = true): Promise<() => void> {
    const fresh = scopes.all.filter((scope) => !this.#here.has(scope));
    await this.#parts.generations.end(['tools', 'prompts', 'resources'], { ...scopes, all: fresh });
    if (!hearsAll) return nothing;
    for (const scope of scopes.all) this.#here.set(scope, (this.#here.get(scope) ?? 0) + 1);
    await this.#mark(fresh);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#end(scopes.all);
    };
  }

  async live(scope: string): Promise<boolean> {
    if (this.#here.has(scope)) return true;
    const known = this.#elsewhere.get(scope);
    if (known !== undefined && performance.now() - known.askedAt < REMEMBERED_MS) return known.live;
    const live = await this.#ask(scope);
    if (this.#elsewhere.size >= MOST_REMEMBERED) this.#elsewhere.clear();
    this.#elsewhere.set(scope, { live, askedAt: performance.now() });
    return live;
  }

  close(): void {
    clearInterval(this.#renewal);
    this.#end([...this.#here.keys()], true);
  }

  #end(scopes: readonly string[], whole = false): void {
    for (const scope of scopes) {
      const others = whole ? 0 : (this.#here.get(scope) ?? 1) - 1;
      if (others > 0) {
        this.#here.set(scope, others);
        continue;
      }
      this.#here.delete(scope);
      this.#elsewhere.delete(scope);
      // Another process that listens marks it again with its next renewal.
      this.#parts.plain.remove(markOf(scope)).catch(this.#parts.failed);
    }
  }

  async #ask(scope: string): Promise<boolean> {
    try {
      return (await this.#parts.plain.read(markOf(scope))).kind === 'value';
    } catch (error) {
      this.#parts.failed(error);
      return false;
    }
  }

  async #mark(scopes: readonly string[]): Promise<void> {
    const at = new Date().toISOString();
    const marks = scopes.map((scope) => this.#parts.plain.write(markOf(scope), at, MARK_SECONDS));
    for (const written of await Promise.allSettled(marks)) {
      if (written.status === 'rejected') this.#parts.failed(written.reason);
    }
  }
}

function nothing(): void {}

function markOf(scope: string) {
  return keyspace.mcpListener.at({ scope_hash: scope });
}
