import type { Redis } from 'ioredis';

/** What tells of changed keys of one server. */
export interface ChangeFeed {
  /**
   * By the monotonic clock, in milliseconds: a time T such that every change which was made before T − bound has been
   * handed on.
   */
  readonly trustedUntil: number;
  readonly state: FeedState;
  /** Why there is none at present, or none by tracking; null where there is. */
  readonly reason: string | null;
  close(): void;
}

export interface ChangeListener {
  changed(key: string): void;
  /** Nothing that was read before is known to be what Redis holds. */
  emptied(why: Emptied): void;
}

export interface FeedListener extends ChangeListener {
  /** `trustedUntil` or the state is another one. */
  weighed(): void;
}

export type Emptied = 'flushed' | 'connection_lost' | 'messages_lost' | 'servers_changed';

/** `tracking`: Redis itself tells. `published`: those tell who make the changes. */
export type FeedState = 'waiting' | 'connecting' | 'tracking' | 'published' | 'refused' | 'closed';

/** How changes are told of on one connection. */
export interface FeedProtocol {
  /** Its state while it works. */
  readonly working: FeedState;
  /** Of the connection, for Redis's list of clients. */
  readonly purpose: string;
  /**
   * Has changes told on a fresh connection.
   * @throws ReplyError, or RedisUnavailableError because of one, where the server refuses
   */
  begin(client: Redis, listener: ChangeListener): Promise<void>;
  /** Resolves when everything has been handed on that was changed before it was called. */
  beat(client: Redis): Promise<void>;
}
