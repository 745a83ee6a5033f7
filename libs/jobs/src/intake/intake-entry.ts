import { isUtf8 } from 'node:buffer';
import { MOST_ENTRY_BYTES, type Move } from './intake-lists.js';
import { generationRequest, UnusableRequestError, type GenerationRequest } from '../job/generation-request.js';

/** What an entry of the intake is: a request, or what can only be put among the dead letters, with its reason. */
export type IntakeEntry =
  | { readonly kind: 'request'; readonly request: GenerationRequest }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Never throws: whatever was pushed has a place to go. */
export function readEntry({ entry, bytes }: Pick<Move, 'entry' | 'bytes'>): IntakeEntry {
  if (bytes > MOST_ENTRY_BYTES) return malformed(`is ${bytes} bytes long; ${MOST_ENTRY_BYTES} are taken`);
  if (!isUtf8(entry)) return malformed('is no UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(entry.toString());
  } catch {
    return malformed('is no JSON');
  }
  try {
    return { kind: 'request', request: generationRequest(value) };
  } catch (error) {
    if (!(error instanceof UnusableRequestError)) throw error;
    return malformed(error.message);
  }
}

function malformed(reason: string): IntakeEntry {
  return { kind: 'malformed', reason };
}
