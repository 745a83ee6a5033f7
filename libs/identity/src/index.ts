export { ADMINISTRATOR, anonymousPrincipal, type Principal } from './access/principal.js';
export { isScope, SCOPES, type Scope } from './access/scope.js';
export { ApiKeys } from './api-keys.js';
export { AuditLog, type Act, type Actor, type AuditEntry } from './audit/audit-log.js';
export type { AuthenticatorStatus } from './authentication/key-authenticator.js';
export { IDENTITY_MIGRATIONS } from './identity-migrations.js';
export type { IdentityOptions } from './identity-options.js';
export { IdentityModule, type IdentityAsyncOptions } from './identity.module.js';
export { UnknownApiKeyError, UnusableKeyError, type ApiKey, type ApiKeyDraft } from './keys/api-key.js';
