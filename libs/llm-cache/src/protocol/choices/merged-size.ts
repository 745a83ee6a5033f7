/** For quotes, colon and comma of a member or an item; what it is kept in takes no less. */
const AROUND = 8;

/** About how long a merged value is as JSON: at least the bytes of its texts and names. */
export function bytesOf(value: unknown): number {
  // Counting flattens a text that was joined from a million pieces, each of which had been an object of its own.
  if (typeof value === 'string') return Buffer.byteLength(value) + AROUND;
  if (typeof value !== 'object' || value === null) return AROUND;
  let bytes = AROUND;
  if (Array.isArray(value)) for (const item of value as unknown[]) bytes += bytesOf(item);
  else for (const name in value) bytes += name.length + bytesOf((value as Record<string, unknown>)[name]);
  return bytes;
}
