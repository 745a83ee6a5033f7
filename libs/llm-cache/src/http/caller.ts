import type { FastifyRequest } from 'fastify';
import type { Attribution } from '../ledger/ledger.js';

/** Who asks, and for whom, as the application knows it. */
export interface Caller {
  readonly tenant: string;
  readonly keyId: string;
  readonly client: string;
  readonly userId?: string;
  readonly clienteId?: string;
  readonly campanaId?: string;
  readonly segmento?: string;
}

/** Called for requests that have passed the application's access rules. */
export type CallerOf = (request: FastifyRequest) => Caller;

export function attributionOf(caller: Caller): Attribution {
  const { tenant, keyId, client, userId = null, clienteId = null, campanaId = null, segmento = null } = caller;
  return { tenant, keyId, client, userId, clienteId, campanaId, segmento };
}
