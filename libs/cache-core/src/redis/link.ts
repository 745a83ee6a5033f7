import type { EventEmitter } from 'node:events';
import type { Redis } from 'ioredis';
import type { Values } from './gathered-reads.js';
import type { Script } from './script.js';

/**
 * The place where the keys of some roles live: one server (`ServerLink`), which Sentinels may name, or a cluster of them
 * (`ClusterLink`). Whoever uses a link says by key what it wants, never where that is.
 */
export interface RedisLink extends EventEmitter<LinkEvents> {
  /** For logs and metrics: the roles that share the link. */
  readonly name: string;
  readonly state: LinkState;
  /** Whether every key can be asked for. In a cluster some may be (`upFor`) when others cannot. */
  readonly up: boolean;
  /** Whether one command may only name keys of one slot. */
  readonly clustered: boolean;
  /** Why the link is not up, for health reports. Holds no credentials. */
  readonly lastError: string | null;

  /** Begins to connect, and goes on trying until `close`. */
  open(): this;
  close(): Promise<void>;
  /** Resolves when the link is up, or rejects after `withinMs`. For tests, tools and start-up messages. */
  untilUp(withinMs: number): Promise<void>;

  upFor(key: string): boolean;
  /** Milliseconds since the epoch by the clock of the server that has `key`, or of any. */
  now(key?: string): number;

  /**
   * Sends one read about `key` (or one pipeline of reads, which ioredis forms by itself from reads of one tick). It may
   * be sent once more, to whom it is said to be.
   * @throws RedisUnavailableError at once where the key cannot be asked for, else within the command's deadline
   * @throws ReplyError what the server answered (a wrong type, say): that is no sign of trouble
   */
  readAt<T>(key: string, send: (client: Redis) => Promise<T>): Promise<T>;
  /**
   * Reads strings. Those of one slot, which on a single server are all, are read as they stood at one moment.
   * Null: nothing there, or no string.
   * @throws RedisUnavailableError as `readAt` does, for all when any cannot be read
   */
  readStrings(keys: readonly string[], common?: readonly string[]): Promise<Values>;
  /**
   * The same for many entries, whose keys lie in one slot each.
   * @throws RedisUnavailableError as `readAt` does, for all when one entry cannot be read
   */
  readStringsOfEach(entries: readonly (readonly string[])[], common?: readonly string[]): Promise<readonly Values[]>;
  /**
   * Runs a script whose keys lie in one slot and which refuses to run past its deadline; `ARGV[1]` is that deadline.
   * @throws RedisUnavailableError; with `timeout` or `lost` it is unknown whether the script ran
   */
  run: RunScript;
  /**
   * Names the key at which processes ask to be told of changed entries. In a cluster nothing is told: a script that changes
   * an entry may not look at a key of another slot.
   */
  tellChangesAt(key: string): void;
  /** Resolves when no script that was sent before can take effect any more. */
  untilScriptsExpire(): Promise<void>;

  /**
   * A step that must succeed before reads are trusted again, of the whole link or of a part of it. Returns a function
   * that takes it back.
   */
  onRecovery(step: RecoveryStep): () => void;

  /** Every server that takes writes. What becomes of one is told by its own `state`, who they are by the event `nodes`. */
  nodes(): readonly RedisNode[];
  /**
   * Visits every server that takes writes, one after another. Where keys were on their way from one to another
   * meanwhile, all are visited twice: a key that moves at most once during both is met.
   * @throws RedisUnavailableError when one of them cannot be asked
   */
  onEachNode(visit: (node: RedisNode) => Promise<void>): Promise<void>;

  /**
   * A client of its own with the same settings, for commands that block or subscribe. The caller owns its life. In a
   * cluster it is one of any server, and ends when that server does.
   * @throws RedisUnavailableError when no server can be asked
   */
  dedicatedClient(purpose: string): Redis;
  /** Gives work on a dedicated client the same deadline. Its time-out does not count against this link. */
  within<T>(work: Promise<T>): Promise<T>;
}

/** A link to one server, which can be asked for what has no key. */
export interface RedisNode extends RedisLink {
  /** Names the server process that answers here; another one after a restart or a failover. */
  readonly runId: string | undefined;
  /** The server's clock at a moment of this process's monotonic one. */
  timeAt(monotonic: number): number;
  /** As `readAt`, about the server itself. */
  read<T>(send: (client: Redis) => Promise<T>, timeoutMs?: number): Promise<T>;
}

export type LinkState = 'connecting' | 'recovering' | 'up' | 'down' | 'closed';

export interface LinkEvents {
  state: [state: LinkState, reason: string];
  nodes: [added: readonly RedisNode[], removed: readonly RedisNode[]];
}

export type ScriptArgument = string | number | Buffer;
export type RunScript = (script: Script, keys: readonly string[], args: readonly ScriptArgument[]) => Promise<unknown>;

/** What a recovery step may do: run scripts before the link is `up`. */
export type RecoveryRun = RunScript;
export type RecoveryStep = (run: RecoveryRun, part: RecoveringPart) => Promise<void>;

/** What recovers: a whole link, or in a cluster what one server has of it. A script without keys runs on that server. */
export interface RecoveringPart {
  readonly whole: boolean;
  covers(key: string): boolean;
}

export interface LinkTimes {
  readonly commandTimeoutMs: number;
  /** One more try for a read (never a script) that timed out while the link is still up. */
  readonly retryReads: boolean;
  readonly connectTimeoutMs: number;
  readonly heartbeatMs: number;
  readonly holdAfterRestartMs: number;
}

export const DEFAULT_LINK_TIMES: LinkTimes = {
  commandTimeoutMs: 500,
  retryReads: true,
  connectTimeoutMs: 1000,
  heartbeatMs: 500,
  holdAfterRestartMs: 1000,
};
