import type { Environment } from '@promptsales/environment';
import type { IdentityOptions } from '@promptsales/identity';

/** Who is let in, as the environment says. */
export function identityOptions({ identity }: Environment): IdentityOptions {
  return { adminKey: identity.adminApiKey.reveal(), anonymousScopes: identity.anonymousScopes };
}
