/**
 * Responses that the provider keeps (`/v1/responses/{id}`), for those who had them made.
 *
 * The provider knows one credential, that of this server, and gives every response to it. So whose a response is must be known
 * here: invariants
 * 1. A response is read, cancelled and deleted by the tenant for which a call of the ledger made it, and by nobody else; by
 *    the key alone where the policy shares nothing between keys.
 * 2. Another tenant's is not found, as one that never was: the answer is the same, and comes as late.
 * 3. Where it cannot be known whose it is, nothing is passed on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NOT_CONFIGURED, type PolicySource, type UpstreamDirectory } from '../gateway/directories.js';
import type { Attribution } from '../ledger/ledger.js';
import type { ResponseMaker, ResponseMakers } from '../ledger/response-makers.js';
import { LlmError } from '../protocol/llm-error.js';
import { RESPONSES } from '../protocol/responses/responses.js';
import type { UpstreamTarget } from '../upstream/upstream-client.js';

export interface MadeResponsesParts {
  readonly makers: ResponseMakers;
  readonly upstreams: UpstreamDirectory;
  readonly policies: PolicySource;
}

/** After so long every process has told of the calls that it has ended. */
const TOLD_AFTER_MS = 1_100;
/** Routers make ids of base64. None of them leads to another path. */
const POSSIBLE_ID = /^(?!\.{1,2}$)[\w.:=+~-]{1,512}$/;

export class MadeResponses {
  readonly #parts: MadeResponsesParts;

  constructor(parts: MadeResponsesParts) {
    this.#parts = parts;
  }

  /**
   * Who keeps the response for this caller.
   * @throws LlmError where it is not his, or that cannot be known
   * @throws the reason of `left`
   */
  async keeperOf(id: string, caller: Attribution, left: AbortSignal): Promise<UpstreamTarget> {
    const own = POSSIBLE_ID.test(id) ? await this.#ownMaker(id, caller, left) : null;
    if (own === null) throw notFound(id);
    const { provider, model } = own;
    const target = this.#parts.upstreams.targetFor({ operation: RESPONSES.id, tenant: caller.tenant, model });
    if (target === null) throw new LlmError('upstream_not_configured', NOT_CONFIGURED);
    if (target.provider !== provider) {
      throw new LlmError(
        'response_not_found',
        `Response with id '${id}' is kept by the provider ${provider}, which is not asked for ${model} any more.`,
      );
    }
    return target;
  }

  /**
   * A response that another tenant had made cannot be continued. One that nobody here had made may have been made before, with the same
   * credential and without this server.
   * @throws LlmError
   */
  async checkContinuation(previousId: string, caller: Attribution): Promise<void> {
    const makers = await this.#makersOf(previousId);
    if (makers.length === 0 || makers.some((maker) => this.#isOf(maker, caller))) return;
    throw new LlmError('previous_response_not_found', `Previous response with id '${previousId}' not found.`, {
      param: 'previous_response_id',
    });
  }

  async #ownMaker(id: string, caller: Attribution, left: AbortSignal): Promise<ResponseMaker | null> {
    const looks = [
      (): unknown => null,
      (): Promise<void> => this.#known(this.#parts.makers.tell()),
      (): Promise<void> => sleep(TOLD_AFTER_MS, undefined, { signal: left }).catch(() => left.throwIfAborted()),
    ];
    for (const before of looks) {
      await before();
      left.throwIfAborted();
      const own = (await this.#makersOf(id)).find((maker) => this.#isOf(maker, caller));
      if (own !== undefined) return own;
    }
    return null;
  }

  #isOf({ tenant, keyId, provider, model }: ResponseMaker, caller: Attribution): boolean {
    if (tenant !== caller.tenant) return false;
    const { share } = this.#parts.policies.choose({ provider, model, tenant, keyId: caller.keyId });
    return share !== 'key' || keyId === caller.keyId;
  }

  #makersOf(id: string): Promise<readonly ResponseMaker[]> {
    return this.#known(this.#parts.makers.of(id));
  }

  async #known<T>(knowledge: Promise<T>): Promise<T> {
    try {
      return await knowledge;
    } catch (cause) {
      throw new LlmError('ledger_unavailable', 'Whose response this is cannot be looked up at the moment.', {
        retryAfterSeconds: 1,
        cause,
      });
    }
  }
}

function notFound(id: string): LlmError {
  return new LlmError(
    'response_not_found',
    `Response with id '${id}' not found. Responses can be had by the tenant that made them by way of this server.`,
  );
}
