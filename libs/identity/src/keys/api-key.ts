import type { Scope } from '../access/scope.js';

/** A key as it may be shown: everything but the key. */
export interface ApiKey {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly client: string;
  readonly scopes: readonly Scope[];
  readonly plan: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

/** What a new key is to be. */
export interface ApiKeyDraft {
  readonly name: string;
  readonly tenant: string;
  /** @default the name */
  readonly client?: string;
  readonly scopes: readonly Scope[];
  /** @default 'standard' */
  readonly plan?: string;
  readonly expiresAt?: Date | null;
}

/** There is no such key, or none that the caller may know of. */
export class UnknownApiKeyError extends Error {
  readonly code = 'not_found';
  readonly httpStatus = 404;
  readonly id: string;

  constructor(id: string) {
    super('There is no such API key.');
    this.name = 'UnknownApiKeyError';
    this.id = id;
  }
}
