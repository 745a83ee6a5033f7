import { DEFAULT_PLAN, PLANS } from '../access/principal.js';
import { SCOPES, type Scope } from '../access/scope.js';

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

/** A key that could be stored and would not do what whoever asked for it supposes. */
export class UnusableKeyError extends Error {
  readonly code = 'unprocessable';
  readonly httpStatus = 422;
  readonly errors: readonly { readonly path: string; readonly message: string }[];

  constructor(errors: UnusableKeyError['errors']) {
    super(errors.map(({ path, message }) => `${path}: ${message}`).join('; '));
    this.name = 'UnusableKeyError';
    this.errors = errors;
  }
}

/** Throws for a draft that no key should be made from. */
export function checkDraft({ scopes, plan = DEFAULT_PLAN }: ApiKeyDraft): void {
  const errors: { path: string; message: string }[] = [];
  if (scopes.length === 0) {
    errors.push({ path: 'scopes', message: `scopes must name at least one of ${SCOPES.join(', ')}` });
  }
  if (!PLANS.includes(plan)) errors.push({ path: 'plan', message: `plan must be one of ${PLANS.join(', ')}` });
  if (errors.length > 0) throw new UnusableKeyError(errors);
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
