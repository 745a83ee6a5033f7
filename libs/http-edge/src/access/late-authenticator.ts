import type { Authenticator, Principal } from './principal.js';

/**
 * The server is built before the container that knows the keys. Until the container has handed over, nobody is let in; requests cannot
 * arrive before that anyway, because listening comes last.
 */
export class LateAuthenticator implements Authenticator {
  #keys: Authenticator | undefined;

  use(keys: Authenticator): void {
    this.#keys = keys;
  }

  authenticate(presented: string): Principal | null | Promise<Principal | null> {
    return this.#keys === undefined ? null : this.#keys.authenticate(presented);
  }
}
