import { keyspace, loadScript, physicalKey, type RedisRoles, type ScriptArgument } from '@promptsales/cache-core';
import type { LiveData } from './live-entry.js';

const APPEND = loadScript(new URL('./lua/live-append.lua', import.meta.url));
/** Entries of one read; a follower that is far behind reads several times. */
const READ_COUNT = 64;

export interface LivePosition extends LiveData {
  readonly position: number;
  readonly afterMs: number;
}

export interface LiveRead {
  readonly entries: readonly { readonly position: number; readonly kind: string; readonly data: Buffer }[];
  readonly exists: boolean;
}

/** "I follow this flight", or no longer. */
export interface Interest {
  readonly token: string;
  readonly process: string;
  readonly leaving: boolean;
}

/**
 * How flights of different processes reach each other: a Redis stream for each flight that is followed, and a channel
 * for each process on which followers make themselves known. Everything said on channels is said again from time to
 * time, so a lost message costs time and nothing else.
 * Every method throws `RedisUnavailableError` when Redis cannot be used.
 */
export class LiveTransport {
  readonly #roles: RedisRoles;
  readonly #keyPrefix: string;

  constructor(roles: RedisRoles, keyPrefix: string) {
    this.#roles = roles;
    this.#keyPrefix = keyPrefix;
  }

  /** @returns false when the stream is gone, so that it must be told from the beginning */
  async append(
    token: string,
    entries: readonly LivePosition[],
    fromTheBeginning: boolean,
    ttlMs: number,
  ): Promise<boolean> {
    const args: ScriptArgument[] = [ttlMs, fromTheBeginning ? '1' : '0'];
    for (const { position, kind, afterMs, data } of entries) args.push(position, kind, afterMs, data);
    return (await this.#roles.link('state').run(APPEND, [this.#key(token)], args)) === 1;
  }

  async read(token: string, after: number): Promise<LiveRead> {
    const link = this.#roles.link('state');
    const key = this.#key(token);
    const [found, exists] = await Promise.all([
      link.readAt(key, (client) => client.xrangeBuffer(key, `${after}-1`, '+', 'COUNT', READ_COUNT)),
      link.readAt(key, (client) => client.exists(key)),
    ]);
    return { entries: found.map(([id, fields]) => entryOf(id, fields)), exists: exists === 1 };
  }

  /** @returns whether the process heard it. In a cluster only those count that listen at the node which published it */
  async announce(process: string, interest: Interest): Promise<boolean> {
    const channel = this.#channel(process);
    const message = JSON.stringify(interest);
    return (await this.#roles.link('state').readAt(channel, (client) => client.publish(channel, message))) > 0;
  }

  onInterest(process: string, listener: (interest: Interest) => void): Promise<() => void> {
    return this.#roles.subscriptions('state').on(this.#channel(process), (message) => {
      const interest = message === null ? null : interestIn(message);
      if (interest !== null) listener(interest);
    });
  }

  /** Called whenever something may have come. */
  onWake(token: string, listener: () => void): Promise<() => void> {
    return this.#roles.subscriptions('state').on(`wake:${this.#key(token)}`, listener);
  }

  #key(token: string): string {
    return physicalKey(this.#keyPrefix, keyspace.liveStream.at({ flight: token }).key);
  }

  #channel(process: string): string {
    return `${this.#keyPrefix}live:interest:${process}`;
  }
}

function entryOf(id: Buffer, fields: Buffer[]): { position: number; kind: string; data: Buffer } {
  let kind = '';
  let data: Buffer = Buffer.alloc(0);
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const name = String(fields[at]);
    const value = fields[at + 1] as Buffer;
    if (name === 'kind') kind = value.toString();
    else if (name === 'data') data = value;
  }
  return { position: Number.parseInt(id.toString(), 10), kind, data };
}

function interestIn(message: Buffer): Interest | null {
  try {
    const said = JSON.parse(message.toString()) as Partial<Interest>;
    if (typeof said.token !== 'string' || typeof said.process !== 'string') return null;
    return { token: said.token, process: said.process, leaving: said.leaving === true };
  } catch {
    return null; // not one of ours
  }
}
