import type { Keyring } from '@promptsales/cache-core';
import type { JsonObject } from '../json.js';
import { masked, openAll, revealed, sealAll } from './opened.js';
import { restoreMasks } from './restore.js';
import { Seal } from './seal.js';

/**
 * The same care for configurations that other libraries keep themselves: each secret is encrypted by itself and bound to its
 * place, is shown masked, and a mask that is sent back stands for it. `key` names the configuration among all there are.
 */
export class SecretKeeper {
  readonly #seal: Seal;

  constructor(keyring: Keyring) {
    this.#seal = new Seal(keyring);
  }

  /**
   * What was sent, with what its masks stand for.
   * @param otherwise what a mask is told that stands for nothing, where that is not because nothing is stored
   * @throws ConfigurationError `secret_mask`, `configuration_invalid`
   */
  restored(sent: JsonObject, stored: JsonObject | null, key: string, otherwise?: string): JsonObject {
    return restoreMasks(sent, stored === null ? null : openAll(stored, key, this.#seal), otherwise);
  }

  /** As it may leave the process. */
  sealed(plain: JsonObject, key: string): JsonObject {
    return sealAll(plain, key, this.#seal);
  }

  shown(stored: JsonObject, key: string): JsonObject {
    return masked(openAll(stored, key, this.#seal));
  }

  /** @param unreadable told of each secret that cannot be decrypted; null stands in its place */
  revealed(stored: JsonObject, key: string, unreadable: () => void): JsonObject {
    return revealed(openAll(stored, key, this.#seal), unreadable);
  }
}
