import type { RedisLink, RedisNode } from '../redis/link.js';
import type { L1Settings } from './settings.js';
import { TrackingSession, type TrackingListener, type TrackingState } from './tracking-session.js';

/**
 * Tracking on every server of a link. An entry and the versions that it is under may lie on several of them, so what one
 * does not vouch for nobody does: the link is trusted until the first of its servers no longer is, and what happens to
 * one of them, or to who they are, empties what was read over the link.
 */
export class LinkTracking {
  /** By the monotonic clock, in milliseconds. */
  trustedUntil = Number.NEGATIVE_INFINITY;
  readonly #link: RedisLink;
  readonly #roots: readonly string[];
  readonly #settings: L1Settings;
  readonly #listener: TrackingListener;
  readonly #sessions = new Map<RedisNode, TrackingSession>();

  constructor(link: RedisLink, roots: readonly string[], settings: L1Settings, listener: TrackingListener) {
    this.#link = link;
    this.#roots = roots;
    this.#settings = settings;
    this.#listener = listener;
    link.on('nodes', this.#nodesChanged);
    for (const node of link.nodes()) this.#add(node);
  }

  get servers(): readonly { link: string; state: TrackingState; reason: string | null }[] {
    return [...this.#sessions].map(([{ name }, { state, reason }]) => ({ link: name, state, reason }));
  }

  close(): void {
    this.#link.off('nodes', this.#nodesChanged);
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#weigh();
  }

  readonly #nodesChanged = (added: readonly RedisNode[], removed: readonly RedisNode[]): void => {
    for (const node of removed) {
      const session = this.#sessions.get(node);
      this.#sessions.delete(node);
      session?.close();
    }
    for (const node of added) this.#add(node);
    // Slots may have gone from one that we followed to one that we did not.
    this.#weigh();
    this.#listener.emptied('servers_changed');
  };

  #add(node: RedisNode): void {
    const session = new TrackingSession(node, this.#roots, this.#settings, {
      changed: (key) => this.#listener.changed(key),
      emptied: (why) => this.#listener.emptied(why),
      weighed: () => this.#weigh(),
    });
    this.#sessions.set(node, session);
    this.#weigh();
  }

  #weigh(): void {
    let least = this.#sessions.size === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    for (const { trustedUntil } of this.#sessions.values()) least = Math.min(least, trustedUntil);
    this.trustedUntil = least;
  }
}
