import type { Scope } from './access/scope.js';

export interface IdentityOptions {
  /** ADMIN_API_KEY: all scopes, plan `unlimited`, works without PostgreSQL. */
  readonly adminKey: string;
  /** What requests without a key may do. @default nothing */
  readonly anonymousScopes?: readonly Scope[];
  /** How often changes of keys are looked for. @default 250 */
  readonly pollEveryMs?: number;
  /** How long known keys are accepted while PostgreSQL does not answer. @default 3600 */
  readonly graceSeconds?: number;
}

export const IDENTITY_OPTIONS = Symbol('identity options');
