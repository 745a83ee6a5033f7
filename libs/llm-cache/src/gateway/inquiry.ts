/** A request, understood: everything that its answer depends on, decided before anything is looked up. Pure. */
import type { BypassReason, ParsedBody } from '@promptsales/cache-core';
import type { Attribution, RequestFacts as LedgerFacts } from '../ledger/ledger.js';
import { LlmError } from '../protocol/llm-error.js';
import type { JsonObject, Protocol, RequestFacts } from '../protocol/protocol.js';
import { parseLlmCacheControls, type LlmCacheControls } from '../request/cache-controls.js';
import { forwardedHeaders } from '../request/forwarded-headers.js';
import type { ReadRequest, RequestReader } from '../request/known-requests.js';
import { answersKept, policyAllows, type CachePolicy } from '../request/policy.js';
import type { UpstreamTarget } from '../upstream/upstream-client.js';
import { NOT_CONFIGURED, type PolicySource, type UpstreamDirectory } from './directories.js';

export interface Arriving {
  readonly protocol: Protocol;
  /** As it is documented, for the ledger. */
  readonly route: string;
  readonly bytes: Buffer;
  /** Names in lower case, as Node gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly caller: Attribution;
  readonly requestId: string;
}

export interface Circumstances {
  readonly upstreams: UpstreamDirectory;
  readonly policies: PolicySource;
  readonly requests: RequestReader;
}

export interface Inquiry {
  readonly protocol: Protocol;
  readonly read: ReadRequest;
  readonly facts: RequestFacts;
  readonly controls: LlmCacheControls;
  readonly body: ParsedBody;
  readonly forwarded: Readonly<Record<string, string>>;
  readonly target: UpstreamTarget;
  /** Seconds to keep the answer; null: as long as its family says. */
  readonly ttlSeconds: number | null;
  readonly policy: CachePolicy;
  /** Why neither the cache nor anybody else's flight may be used; null: they may. */
  readonly bypass: BypassReason | null;
  readonly hash: string;
  /** How many answers to it are kept and served in rotation; nearly always one. */
  readonly answers: number;
  /** To whom the entry belongs. */
  readonly tenant: string;
  readonly ledger: LedgerFacts;
  readonly requestId: string;
}

/** @throws LlmError for whatever is wrong with the request, and when there is no provider to ask */
export function inquire(arriving: Arriving, { upstreams, policies, requests }: Circumstances): Inquiry {
  const { protocol, caller, requestId } = arriving;
  const controls = parseLlmCacheControls(arriving.headers);
  const read = requests.read(protocol, arriving.bytes);
  const { body, facts } = read;
  const target = upstreams.targetFor({ operation: protocol.id, tenant: caller.tenant, model: facts.model });
  if (target === null) throw new LlmError('upstream_not_configured', NOT_CONFIGURED);
  const subject = { provider: target.provider, model: facts.model, tenant: caller.tenant, keyId: caller.keyId };
  const policy = policies.choose(subject);
  const forwarded = forwardedHeaders(arriving.headers);
  const { hash, tenant } = read.identity({
    headers: forwarded,
    baseUrl: target.baseUrl,
    namespace: controls.namespace,
    share: policy.share,
    tenant: caller.tenant,
    keyId: caller.keyId,
  });
  return {
    protocol,
    read,
    facts,
    controls,
    body,
    forwarded,
    target,
    policy,
    ttlSeconds: controls.ttlSeconds ?? policy.ttlSeconds ?? null,
    bypass: bypassOf(controls, policy, facts, body.value as JsonObject),
    hash,
    answers: answersKept(policy),
    tenant,
    ledger: {
      ...caller,
      route: arriving.route,
      provider: target.provider,
      model: facts.model,
      simulated: target.simulated,
      identity: hash,
    },
    requestId,
  };
}

function bypassOf(
  controls: LlmCacheControls,
  policy: CachePolicy,
  facts: RequestFacts,
  body: JsonObject,
): Inquiry['bypass'] {
  if (controls.noStore) return 'no-store';
  if (!policyAllows(policy, body)) return 'policy';
  if (facts.stateful === true) return 'stateful';
  return facts.serverTools ? 'server-tools' : null;
}
