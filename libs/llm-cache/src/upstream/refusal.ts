import { LlmError } from '../protocol/llm-error.js';
import type { UpstreamResponse } from './upstream-client.js';

type Refused = Extract<UpstreamResponse, { kind: 'refused' }>;

/** The provider does not accept our own credential, which the caller can do nothing about and is to learn nothing of. */
export function unauthorizedIn({ status }: Refused): LlmError | null {
  if (status !== 401 && status !== 403) return null;
  return new LlmError(
    'upstream_unauthorized',
    "The provider does not accept this server's credential. Its operator has to look into that.",
    { cause: new Error(`the provider answered ${status}`) },
  );
}

/** A refusal that callers can read: what is no JSON, such as a proxy's page, is replaced by an error in the protocol's shape. */
export function readable(refused: Refused, errorBody: (code: string, message: string) => Buffer): Refused {
  if (isJsonObject(refused.body)) return refused;
  const body = errorBody('upstream_error', `The provider answered with status ${refused.status} and gave no reason.`);
  return { ...refused, headers: { ...refused.headers, 'content-type': 'application/json' }, body };
}

function isJsonObject(body: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(body.toString());
    return typeof value === 'object' && value !== null;
  } catch {
    return false; // a page for humans, or nothing
  }
}
