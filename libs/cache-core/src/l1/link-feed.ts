import type { RedisLink, RedisNode } from '../redis/link.js';
import type { ChangeListener, FeedState } from './change-feed.js';
import { NodeFeed, type FeedPlace } from './node-feed.js';
import type { L1Settings } from './settings.js';

/**
 * Hears of changes on every server of a link. An entry and the versions that it is under may lie on several of them, so
 * what one does not vouch for nobody does: the link is trusted until the first of its servers no longer is, and what
 * happens to one of them, or to who they are, empties what was read over the link.
 */
export class LinkFeed {
  /** By the monotonic clock, in milliseconds. */
  trustedUntil = Number.NEGATIVE_INFINITY;
  /** Whether changes are told of whoever makes them, on all servers. */
  hearsOfEverybody = false;
  readonly #link: RedisLink;
  readonly #place: FeedPlace;
  readonly #settings: L1Settings;
  readonly #listener: ChangeListener;
  readonly #feeds = new Map<RedisNode, NodeFeed>();

  constructor(link: RedisLink, place: FeedPlace, settings: L1Settings, listener: ChangeListener) {
    this.#link = link;
    this.#place = place;
    this.#settings = settings;
    this.#listener = listener;
    link.on('nodes', this.#nodesChanged);
    for (const node of link.nodes()) this.#add(node);
  }

  get servers(): readonly { link: string; state: FeedState; reason: string | null }[] {
    return [...this.#feeds].map(([{ name }, { state, reason }]) => ({ link: name, state, reason }));
  }

  close(): void {
    this.#link.off('nodes', this.#nodesChanged);
    for (const feed of this.#feeds.values()) feed.close();
    this.#feeds.clear();
    this.#weigh();
  }

  readonly #nodesChanged = (added: readonly RedisNode[], removed: readonly RedisNode[]): void => {
    for (const node of removed) {
      const feed = this.#feeds.get(node);
      this.#feeds.delete(node);
      feed?.close();
    }
    for (const node of added) this.#add(node);
    // Slots may have gone from one that we followed to one that we did not.
    this.#weigh();
    this.#listener.emptied('servers_changed');
  };

  #add(node: RedisNode): void {
    const feed = new NodeFeed(node, this.#place, this.#settings, {
      changed: (key) => this.#listener.changed(key),
      emptied: (why) => this.#listener.emptied(why),
      weighed: () => this.#weigh(),
    });
    this.#feeds.set(node, feed);
    this.#weigh();
  }

  #weigh(): void {
    let least = this.#feeds.size === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    let ofEverybody = true;
    for (const { trustedUntil, hearsOfEverybody } of this.#feeds.values()) {
      least = Math.min(least, trustedUntil);
      ofEverybody &&= hearsOfEverybody;
    }
    this.trustedUntil = least;
    this.hearsOfEverybody = ofEverybody;
  }
}
