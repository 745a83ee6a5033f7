/** How long a new tenant's entries may lie in its intake before anybody looks there. */
const KNOWN_FOR_MS = 1_000;

/** Tenants as they were read last, a second ago at most. */
export function tenantsOf(read: () => Promise<readonly string[]>): () => Promise<readonly string[]> {
  let known: readonly string[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() - readAt < KNOWN_FOR_MS) return known;
    known = [...new Set(await read())];
    readAt = performance.now();
    return known;
  };
}
