/** The request of `POST /v1/images/generations`: what we must understand of it. All else is the provider's to judge. */
import type { RequestFacts } from '../protocol.js';
import { missing, readModel, readObject, readStream, wrongType } from '../request-checks.js';

/** Where the request leaves the choice to the provider: in policies and in the ledger. */
const PROVIDERS_CHOICE = 'default';

export function readImagesRequest(sent: unknown): RequestFacts {
  const body = readObject(sent);
  const { model, prompt, n } = body;
  if (prompt === undefined) throw missing('prompt');
  if (typeof prompt !== 'string') throw wrongType('prompt', 'a string', prompt);
  if (n !== undefined && n !== null && !Number.isInteger(n)) throw wrongType('n', 'an integer', n);
  return {
    model: model === undefined || model === null ? PROVIDERS_CHOICE : readModel(model),
    stream: readStream(body['stream']),
    // It comes with the last event, wanted or not.
    usageAsked: true,
    serverTools: false,
    parts: Number.isInteger(n) ? (n as number) : 1,
    partTier: `${named(body['quality'], 'standard')} ${named(body['size'], '1024x1024')}`,
  };
}

/** Null stands for what is left out, here as with the provider. */
function named(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise;
}
