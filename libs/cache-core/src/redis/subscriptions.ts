import type { Redis } from 'ioredis';
import { RedisUnavailableError } from './errors.js';
import type { RedisLink } from './link.js';

/** Called with the message, or with `null` after an interruption in which messages may have been missed. */
export type Listener = (message: Buffer | null) => void;

/**
 * Pub/sub over one connection of its own beside a link, which exists from the first subscription on.
 *
 * Messages are hints: a subscriber must be right without them (it looks again at its own pace) and faster with them.
 * After any interruption each listener hears `null` once its channel is subscribed again.
 */
export class Subscriptions {
  readonly #link: RedisLink;
  readonly #listeners = new Map<string, Set<Listener>>();
  #client: Redis | undefined;
  #connecting: Promise<Redis> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /**
   * Resolves when the subscription stands: what is published afterwards is heard.
   * @throws RedisUnavailableError when it cannot be had; the listener is then not registered
   */
  async on(channel: string, listener: Listener): Promise<() => void> {
    let listeners = this.#listeners.get(channel);
    if (listeners === undefined) this.#listeners.set(channel, (listeners = new Set()));
    listeners.add(listener);
    try {
      const client = await this.#connected();
      await this.#withinDeadline(client.subscribe(channel));
    } catch (error) {
      this.#off(channel, listener);
      throw error instanceof RedisUnavailableError
        ? error
        : new RedisUnavailableError('lost', this.#link.name, { cause: error });
    }
    return () => this.#off(channel, listener);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#listeners.clear();
    this.#client?.disconnect(false);
    this.#client = undefined;
  }

  #off(channel: string, listener: Listener): void {
    const listeners = this.#listeners.get(channel);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#listeners.delete(channel);
    const client = this.#client;
    // Nobody waits for the answer; a failure means that the connection, and with it the subscription, is gone.
    client?.unsubscribe(channel).catch(() => this.#drop(client));
  }

  /** Once, however many notice: ioredis takes a listener for every time that it is told to disconnect. */
  #drop(client: Redis): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    client.disconnect(false);
  }

  #connected(): Promise<Redis> {
    if (this.#closed) return Promise.reject(new RedisUnavailableError('away', this.#link.name));
    if (this.#client?.status === 'ready') return Promise.resolve(this.#client);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #connect(): Promise<Redis> {
    const client = this.#link.dedicatedClient('subscriber');
    client.on('error', () => client.disconnect(false));
    client.on('messageBuffer', (channel: Buffer, message: Buffer) => {
      for (const listener of this.#listeners.get(channel.toString()) ?? []) listener(message);
    });
    try {
      await this.#withinDeadline(client.connect());
      const channels = [...this.#listeners.keys()];
      if (channels.length > 0) await this.#withinDeadline(client.subscribe(...channels));
    } catch (error) {
      // It may yet connect; nobody would know of it.
      client.disconnect(false);
      throw error;
    }
    client.once('end', () => this.#interrupted(client));
    this.#client = client;
    return client;
  }

  #interrupted(client: Redis): void {
    if (this.#client === client) this.#client = undefined;
    if (this.#closed || this.#listeners.size === 0) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#connected().then(
        () => {
          for (const listeners of this.#listeners.values()) for (const listener of listeners) listener(null);
        },
        () => this.#interrupted(client),
      );
    }, 250);
    this.#retry.unref();
  }

  #withinDeadline<T>(work: Promise<T>): Promise<T> {
    return this.#link.within(work);
  }
}
