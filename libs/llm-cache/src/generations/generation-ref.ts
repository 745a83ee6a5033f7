import { keyspace, type KeyRef } from '@promptsales/cache-core';
import type { GenerationRequest } from './generation-request.js';

export type GenerationRef = KeyRef<typeof keyspace.aiGeneration>;

/** `chat`: the identity of the chat completion that is asked for it. */
export function refOfGeneration(
  { model }: GenerationRequest,
  chat: { readonly hash: string; readonly tenant: string },
): GenerationRef {
  return keyspace.aiGeneration.at({ model, prompt_hash: chat.hash }, chat.tenant);
}
