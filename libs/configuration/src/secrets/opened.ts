/** A configuration as it is stored, with its secrets opened, for as long as one request needs them. */
import { CodecError } from '@promptsales/cache-core';
import { isJsonObject, type Json, type JsonObject, type Path } from '../json.js';
import { isUrlWithSecret, maskOf, maskOfUrl } from '@promptsales/http-edge';
import type { Seal } from './seal.js';
import { isSealed } from './seal.js';
import { isSecretName } from './secret-names.js';

/** A secret in its place. What it is cannot be printed by accident. */
export class Secret {
  readonly #plain: string | number | undefined;
  readonly mask: string;

  /** @param plain undefined: it cannot be decrypted */
  constructor(plain: string | number | undefined, mask: string) {
    this.#plain = plain;
    this.mask = mask;
  }

  get readable(): boolean {
    return this.#plain !== undefined;
  }

  /** @throws CodecError `no_key` */
  reveal(): string | number {
    if (this.#plain === undefined) {
      throw new CodecError('no_key', 'a stored secret cannot be decrypted with the keys of ENCRYPTION_KEY');
    }
    return this.#plain;
  }

  equals(other: Secret): boolean {
    return this.#plain !== undefined && this.#plain === other.#plain;
  }
}

export type Opened = null | boolean | number | string | Secret | readonly Opened[] | OpenedObject;

export interface OpenedObject {
  readonly [name: string]: Opened;
}

/** @param key of the configuration, as in Redis without KEY_PREFIX */
export function openAll(stored: JsonObject, key: string, seal: Seal): OpenedObject {
  const open = (value: Json, path: Path): Opened => {
    if (typeof value === 'string') return isSealed(value) ? opened(value, path) : value;
    if (Array.isArray(value)) return (value as readonly Json[]).map((item, at) => open(item, [...path, at]));
    if (isJsonObject(value)) return openObject(value, path);
    return value;
  };
  const openObject = (value: JsonObject, path: Path): OpenedObject =>
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, open(item, [...path, name])]));
  const opened = (sealed: string, path: Path): Secret => {
    try {
      const plain = seal.open(sealed, key, path);
      const byName = path.some((step) => typeof step === 'string' && isSecretName(step));
      return new Secret(plain, byName ? maskOf(plain) : maskOfUrl(String(plain)));
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      // Whoever needs it is told; the rest of the configuration is still worth showing.
      return new Secret(undefined, '…');
    }
  };
  return openObject(stored, []);
}

/** The same with every secret encrypted. */
export function sealAll(value: JsonObject, key: string, seal: Seal): JsonObject {
  const sealed = (item: Json, path: Path, secret: boolean): Json => {
    if (typeof item === 'string') {
      return (secret && item !== '') || isUrlWithSecret(item) ? seal.seal(item, key, path) : item;
    }
    if (typeof item === 'number') return secret ? seal.seal(item, key, path) : item;
    if (Array.isArray(item)) return (item as readonly Json[]).map((one, at) => sealed(one, [...path, at], secret));
    if (isJsonObject(item)) return sealedObject(item, path, secret);
    return item;
  };
  const sealedObject = (item: JsonObject, path: Path, secret: boolean): JsonObject =>
    Object.fromEntries(
      Object.entries(item).map(([name, one]) => [name, sealed(one, [...path, name], secret || isSecretName(name))]),
    );
  return sealedObject(value, [], false);
}

/** As it is shown. */
export function masked(value: OpenedObject): JsonObject {
  return maskedAny(value) as JsonObject;
}

export function maskedAny(value: Opened): Json {
  if (value instanceof Secret) return value.mask;
  if (Array.isArray(value)) return (value as readonly Opened[]).map(maskedAny);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value as OpenedObject).map(([name, item]) => [name, maskedAny(item)]));
  }
  return value;
}

/** With its secrets; one that cannot be decrypted is left out. */
export function revealed(opened: OpenedObject, unreadable: () => void): JsonObject {
  const reveal = (value: Opened): Json => {
    if (value instanceof Secret) {
      if (value.readable) return value.reveal();
      unreadable();
      return null;
    }
    if (Array.isArray(value)) return (value as readonly Opened[]).map(reveal);
    if (typeof value === 'object' && value !== null) return members(value as OpenedObject);
    return value;
  };
  const members = (value: OpenedObject): JsonObject =>
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, reveal(item)]));
  return members(opened);
}
