import type { AuditLog } from '@promptsales/identity';
import type { McpOptions } from '@promptsales/mcp-cache';
import { principalOf } from './access/caller.js';

/** Who asks through the MCP gateway, and who configures it, with where that is written down. */
export function mcpCallers(log: AuditLog): Pick<McpOptions, 'callerOf' | 'actorOf'> {
  return {
    callerOf: (request) => {
      const { tenant, keyId, client } = principalOf(request);
      const anonymous = request.headers.authorization === undefined && request.headers['x-api-key'] === undefined;
      return { tenant, keyId, client, anonymous, segmento: request.attribution?.segmento ?? null };
    },
    actorOf: (request) => {
      const principal = principalOf(request);
      const { tenant } = principal;
      return {
        tenant,
        note: (transaction, act) =>
          log.write(transaction, { actor: { principal, requestId: request.id }, tenant, ...act }),
      };
    },
  };
}
