/**
 * Whose turn it is among the answers that are kept to one request (policies with mode `bucket`).
 *
 * Each of them is an entry of its own, with its own flight, so that everything that holds of one answer holds of each. The
 * turn is counted in Redis, so that all processes go round together and no two of them begin with the same answer; a count
 * that was lost, or cannot be had, costs only the order. See docs/decisions/0172.
 */
import { keyspace, loadScript, physicalKey, RedisUnavailableError, type RedisRoles } from '@promptsales/cache-core';
import { hash } from 'node:crypto';
import type { Inquiry } from './inquiry.js';

/** The family has no other. */
const TTL_MS = (keyspace.llmRotation.ttlSeconds ?? 0) * 1000;
const TURN = loadScript(new URL('./lua/take-turn.lua', import.meta.url));

export class Rotation {
  readonly #roles: RedisRoles;
  readonly #keyPrefix: string;
  /** Told of what was not foreseen. */
  readonly #failed: (error: unknown) => void;
  #turnsHere = 0;

  constructor(roles: RedisRoles, keyPrefix: string, failed: (error: unknown) => void) {
    this.#roles = roles;
    this.#keyPrefix = keyPrefix;
    this.#failed = failed;
  }

  /** Takes the next turn: which of the answers to give, from 0 on. Without Redis this process goes round by itself. */
  async next({ hash: request, tenant, answers }: Pick<Inquiry, 'hash' | 'tenant' | 'answers'>): Promise<number> {
    const { key, family } = keyspace.llmRotation.at({ hash: request }, tenant);
    try {
      const link = this.#roles.link(family.role);
      const turn = await link.run(TURN, [physicalKey(this.#keyPrefix, key)], [TTL_MS]);
      return (Number(turn) - 1) % answers;
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) this.#failed(error);
      this.#turnsHere += 1;
      return this.#turnsHere % answers;
    }
  }
}

/** The request for one of its answers, counted round. The first is that which a policy without a bucket keeps. */
export function answerAt(inquiry: Inquiry, turn: number): Inquiry {
  const place = turn % inquiry.answers;
  if (place === 0) return inquiry;
  const identity = hash('sha256', `${inquiry.hash} answer ${place}`, 'hex');
  return { ...inquiry, hash: identity, ledger: { ...inquiry.ledger, identity } };
}
