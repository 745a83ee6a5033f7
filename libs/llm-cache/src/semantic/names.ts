/** Under which names questions meet and evidence is pooled: hashes of everything in which they have to agree. */
import { parseBody, requestIdentity } from '@promptsales/cache-core';
import type { AnswerJudge, Embedder } from '@promptsales/semantics';
import type { Inquiry } from '../gateway/inquiry.js';
import { scopeOf } from '../request/answer-identity.js';
import type { PoolName } from './evidence-pools.js';
import type { PartitionName } from './partition-index.js';
import type { Question } from './question.js';

const VERSION = 1;
const NOTHING = parseBody(Buffer.from('null'));

/** As the identity of an answer, with the embedder in it and the user's text left out. */
export function partitionOf(inquiry: Inquiry, { rest }: Question, { space }: Embedder): PartitionName {
  const { protocol, policy, tenant, ledger, controls, target, forwarded } = inquiry;
  const hash = requestIdentity({
    version: VERSION,
    tenant,
    scope: scopeOf(policy.share, ledger.keyId),
    namespace: controls.namespace,
    upstream: target.baseUrl,
    operation: `semantic questions ${protocol.id} ${space}`,
    headers: forwarded,
    body: rest,
    omit: protocol.omittedFromIdentity,
  });
  return { hash, tenant };
}

/** Of one tenant, whatever the model and the instructions: most partitions see too little to learn from alone. */
export function poolOf({ policy, tenant, ledger }: Inquiry, { space }: Embedder, { name }: AnswerJudge): PoolName {
  const hash = requestIdentity({
    version: VERSION,
    tenant,
    scope: scopeOf(policy.share, ledger.keyId),
    namespace: '',
    upstream: space,
    operation: `semantic evidence ${name}`,
    headers: {},
    body: NOTHING,
    omit: [],
  });
  return { hash, tenant };
}
