import type { RedisNode } from '../redis/link.js';
import type { ChangeFeed, Emptied, FeedListener, FeedState } from './change-feed.js';
import { FeedConnection } from './feed-connection.js';
import { PublishedChanges } from './published-changes.js';
import type { L1Settings } from './settings.js';
import { Tracking } from './tracking.js';

export interface FeedPlace {
  /** What the keys begin with that Redis is to tell of. */
  readonly roots: readonly string[];
  /** Where others are asked to tell of them. */
  readonly changesKey: string;
}

/**
 * Hears of one server's changes: from Redis itself, and only where Redis refuses, from those who make them. What was
 * built on one of the two is never guarded by the other: each begins, and ends, with nothing.
 */
export class NodeFeed implements ChangeFeed {
  readonly #link: RedisNode;
  readonly #place: FeedPlace;
  readonly #settings: L1Settings;
  readonly #listener: FeedListener;
  readonly #tracking: ChangeFeed;
  #published: ChangeFeed | undefined;
  #closed = false;

  constructor(link: RedisNode, place: FeedPlace, settings: L1Settings, listener: FeedListener) {
    this.#link = link;
    this.#place = place;
    this.#settings = settings;
    this.#listener = listener;
    this.#tracking = new FeedConnection(link, new Tracking(link, place.roots), settings, {
      changed: (key) => listener.changed(key),
      // While others tell, nothing was built on tracking that could be in doubt.
      emptied: (why: Emptied) => {
        if (this.#published === undefined) listener.emptied(why);
      },
      weighed: () => this.#trackingWeighed(),
    });
    this.#trackingWeighed();
  }

  get trustedUntil(): number {
    return (this.#published ?? this.#tracking).trustedUntil;
  }

  get state(): FeedState {
    return this.#published?.state === 'published' ? 'published' : this.#tracking.state;
  }

  get reason(): string | null {
    return this.#tracking.reason;
  }

  /** Whether it hears of those too who do not write by our scripts. */
  get hearsOfEverybody(): boolean {
    return this.#published === undefined;
  }

  close(): void {
    this.#closed = true;
    this.#tracking.close();
    this.#published?.close();
  }

  #trackingWeighed(): void {
    // It may be weighed while it is made.
    const tracking = this.#tracking as ChangeFeed | undefined;
    if (tracking === undefined || this.#closed) return;
    if (tracking.state === 'refused') this.#askOthers();
    else if (tracking.state === 'tracking') this.#leaveOthers();
    this.#listener.weighed();
  }

  #askOthers(): void {
    // A script of a cluster may look at keys of one slot: it could not see the sequence.
    if (this.#published !== undefined || this.#link.clustered) return;
    const protocol = new PublishedChanges(this.#link, this.#place.changesKey);
    this.#published = new FeedConnection(this.#link, protocol, this.#settings, this.#listener);
  }

  #leaveOthers(): void {
    const published = this.#published;
    this.#published = undefined;
    published?.close();
  }
}
