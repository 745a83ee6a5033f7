import { loadScript, physicalKey, RedisUnavailableError, type RedisRoles } from '@promptsales/cache-core';

const RING = loadScript(new URL('./lua/ring-bell.lua', import.meta.url));

/** Tells other processes that there is something new of a job. A hint: whoever listens looks again by itself as well. */
export class JobBell {
  readonly #roles: RedisRoles;
  readonly #keyPrefix: string;
  readonly #missed: (error: unknown) => void;

  constructor(roles: RedisRoles, keyPrefix = '', missed: (error: unknown) => void = () => undefined) {
    this.#roles = roles;
    this.#keyPrefix = keyPrefix;
    this.#missed = missed;
  }

  /** Something became of a job. */
  changed(id: string): void {
    this.#ring(id);
  }

  /** There are jobs that the queue does not know of yet. */
  arrived(): void {
    this.#ring('all');
  }

  onChange(id: string, heard: () => void): Promise<() => void> {
    return this.#listen(id, heard);
  }

  onArrival(heard: () => void): Promise<() => void> {
    return this.#listen('all', heard);
  }

  #ring(name: string): void {
    this.#roles
      .link('state')
      .run(RING, [this.#channel(name)], [])
      .catch(this.#missed);
  }

  /** Answers how to stop listening. Without Redis nothing is heard, until it is listened for anew. */
  async #listen(name: string, heard: () => void): Promise<() => void> {
    try {
      return await this.#roles.subscriptions('state').on(this.#channel(name), heard);
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      this.#missed(error);
      return () => {};
    }
  }

  #channel(name: string): string {
    return `wake:${physicalKey(this.#keyPrefix, `jobs:${name}`)}`;
  }
}
