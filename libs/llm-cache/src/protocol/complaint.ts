import { isObject, textIn } from './json-object.js';

/** What a provider says of an error, in OpenAI's shape or in none. */
export function complaintIn(error: unknown): string {
  return (isObject(error) ? textIn(error['message']) : textIn(error)) ?? 'no reason was given';
}
