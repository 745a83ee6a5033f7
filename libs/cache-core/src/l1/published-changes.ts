import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { RedisNode } from '../redis/link.js';
import { loadScript } from '../redis/script.js';
import type { ChangeListener, FeedProtocol } from './change-feed.js';

/**
 * Hears of changes from those who make them, where Redis may not tell: every script that changes an entry or a version
 * publishes the keys (`redis/lua/changes.lua`) while somebody has asked for it.
 *
 * Invariants
 * 1. Who has asked is written in Redis, at one key for each database: the sequence. A script looks at it in the step in
 *    which it changes something, so a change is told of from the moment on which the sequence is there.
 * 2. Changes are numbered by the sequence, inside the script, before they are told. So whoever writes, there are no
 *    numbers but of changes that were made, and each has the one behind the last.
 * 3. A beat is a script that makes the sequence if it is not there and publishes its name and last number to this session
 *    alone. Both are what was heard: then nothing is missing of what was changed before the beat was sent.
 * 4. A number that is not the next, a sequence of another name (it was flushed, evicted, or given up by a script that
 *    could not number its change) and a message that cannot be read empty what was built on it.
 * 5. It hears of nobody who writes without the scripts.
 */
const BEAT = loadScript(new URL('./lua/beat-changes.lua', import.meta.url));
/** How long writers go on telling when nobody asks any more. Not so short that it is the first to be evicted by its end. */
const ASKED_FOR_MS = 600_000;

export class PublishedChanges implements FeedProtocol {
  readonly working = 'published';
  readonly purpose = 'changes';
  readonly #link: RedisNode;
  readonly #key: string;
  #name = '';
  #listener: ChangeListener | undefined;
  #sequence: string | null = null;
  #heard = 0;
  #beats = 0;
  #awaited: { readonly beat: string; readonly heard: () => void } | undefined;

  constructor(link: RedisNode, key: string) {
    this.#link = link;
    this.#key = key;
  }

  async begin(client: Redis, listener: ChangeListener): Promise<void> {
    this.#name = randomBytes(9).toString('base64url');
    this.#listener = listener;
    this.#sequence = null;
    const all = `wake:${this.#key}`;
    const own = `${all}:${this.#name}`;
    client.on('message', (channel: string, text: string) => {
      if (this.#listener !== listener) return;
      const message = read(text);
      if (message === null) listener.emptied('messages_lost');
      else if (channel === own) this.#beatHeard(listener, message);
      else this.#told(listener, message);
    });
    await this.#link.within(client.subscribe(all, own));
  }

  async beat(): Promise<void> {
    this.#beats += 1;
    const beat = String(this.#beats);
    const heard = Promise.withResolvers<void>();
    this.#awaited = { beat, heard: heard.resolve };
    await this.#link.run(BEAT, [this.#key], [this.#name, ASKED_FOR_MS, beat]);
    await heard.promise;
  }

  #beatHeard(listener: ChangeListener, { sequence, number, about: [beat] }: Message): void {
    if (sequence !== this.#sequence || number !== this.#heard) {
      if (this.#sequence !== null) listener.emptied('messages_lost');
      this.#sequence = sequence;
      this.#heard = number;
    }
    if (beat === this.#awaited?.beat) this.#awaited?.heard();
  }

  #told(listener: ChangeListener, { sequence, number, about }: Message): void {
    for (const key of about) listener.changed(key);
    const numbered = sequence !== '' && number > 0;
    // That of another database: its names are no harm, its numbers are not ours.
    if (numbered && sequence !== this.#sequence) return;
    if (!numbered || number !== this.#heard + 1) listener.emptied('messages_lost');
    if (numbered) this.#heard = number;
  }
}

interface Message {
  readonly sequence: string;
  readonly number: number;
  /** Keys; or the name of a beat. */
  readonly about: readonly string[];
}

function read(text: string): Message | null {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(parts) || parts.length !== 3) return null;
  const [sequence, number, about] = parts as readonly unknown[];
  if (typeof sequence !== 'string' || typeof number !== 'number' || !Array.isArray(about)) return null;
  return about.every((one) => typeof one === 'string') ? { sequence, number, about } : null;
}
