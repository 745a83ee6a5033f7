import type { HealthContributor } from '@promptsales/health';
import type { ApiKeys } from '@promptsales/identity';

/** Whether revoked keys are noticed at present: without PostgreSQL known keys are accepted for a time. */
export function keysHealth(keys: ApiKeys): HealthContributor {
  return {
    name: 'api_keys',
    condition: () => {
      const { trust, verifiedMsAgo, knownKeys } = keys.status();
      return {
        status: trust === 'verified' ? 'up' : 'degraded',
        detail: { trust, verified_ms_ago: verifiedMsAgo, known_keys: knownKeys },
      };
    },
  };
}
