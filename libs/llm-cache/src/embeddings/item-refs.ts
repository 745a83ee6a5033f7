import { keyspace, type KeyRef } from '@promptsales/cache-core';
import { hash } from 'node:crypto';
import type { EmbeddingItem } from '../protocol/embeddings/request.js';

export type EmbeddingRef = KeyRef<typeof keyspace.llmEmbedding>;

/** Under which key the vector of an item lies. `request`: the identity of everything in the request but its items. */
export function refOfItem(
  request: { readonly hash: string; readonly tenant: string },
  item: EmbeddingItem,
): EmbeddingRef {
  // Texts and integers as JSON are canonical as they stand; a text and the tokens of one differ in their first character.
  const textHash = hash('sha256', `${request.hash}|${JSON.stringify(item)}`, 'hex');
  return keyspace.llmEmbedding.at({ text_hash: textHash }, request.tenant);
}
