import type { AccessTable } from '@promptsales/http-edge';

/** The worker serves probes and metrics, and nothing else. */
export function accessRules({ metricsPublic }: { readonly metricsPublic: boolean }): AccessTable {
  return {
    'GET /health': { access: 'optional' },
    'GET /health/live': { access: 'open' },
    'GET /health/ready': { access: 'open' },
    'GET /health/redis': { access: 'optional' },
    'GET /metrics': { access: metricsPublic ? 'open' : 'key' },
  };
}
