import { FamilyGlob, decodeSegmentText, type RedisRoles } from '@promptsales/cache-core';

export interface FamilyNames {
  readonly names: readonly string[];
  /** Whether the walk went to the end: it has a bound, and other families' keys lie between. */
  readonly complete: boolean;
}

/** Keys a step looks at: about half a millisecond of Redis's time. */
const STEP = 500;
const WITHIN_MS = 1000;
const MOST_NAMES = 10_000;

/**
 * The last segments of the keys of one family and tenant that lie in Redis now, found by SCAN in small steps, one after
 * another, for a second at most.
 * @throws RedisUnavailableError
 */
export async function namesIn(
  pattern: string,
  tenant: string,
  roles: RedisRoles,
  keyPrefix: string,
  withinMs = WITHIN_MS,
): Promise<FamilyNames> {
  const glob = FamilyGlob.parse(pattern, tenant);
  const escaped = keyPrefix.replaceAll(/[*?[\]\\]/g, String.raw`\$&`);
  const until = performance.now() + withinMs;
  const names = new Set<string>();
  let complete = true;
  await roles.link(glob.family.role).onEachNode(async (node) => {
    let cursor = '0';
    do {
      if (performance.now() > until || names.size >= MOST_NAMES) {
        complete = false;
        return;
      }
      const from = cursor;
      const match = `${escaped}${glob.scanGlob}`;
      const [next, keys] = await node.read((client) => client.scan(from, 'MATCH', match, 'COUNT', STEP));
      for (const key of keys) {
        const logical = key.slice(keyPrefix.length);
        if (glob.covers(logical)) names.add(nameIn(logical));
      }
      cursor = next;
    } while (cursor !== '0');
  });
  return { names: [...names].toSorted(), complete };
}

/** A name that somebody else wrote in a form of their own is shown as it stands there. */
function nameIn(logicalKey: string): string {
  const segment = logicalKey.slice(logicalKey.lastIndexOf(':') + 1);
  return decodeSegmentText(segment) ?? segment;
}
