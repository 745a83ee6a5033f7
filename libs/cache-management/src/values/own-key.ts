import { NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { catalogue, DEFAULT_TENANT, encodeSegmentText, parseKey, type KeyRef } from '@promptsales/cache-core';
import { nearFamilies } from '../invalidation/near-families.js';

/**
 * The key that a caller names: in the documented form of his own tenant's keys, or with `tenant:{tenant}:` before it.
 * @throws NotFoundException for a key of another tenant: it is as if it were not there
 * @throws UnprocessableEntityException `unknown_family` for what is no family's key
 */
export function ownKey(text: string, tenant: string): KeyRef {
  const own = tenant === DEFAULT_TENANT ? '' : `tenant:${encodeSegmentText(tenant)}:`;
  const bare = own !== '' && text.startsWith(own) ? text.slice(own.length) : text;
  if (bare.startsWith('tenant:')) throw new NotFoundException('There is no such key of your tenant.');
  const parsed = parseKey(bare);
  if (parsed === null) throw noFamily(bare);
  const { family } = parsed;
  return Object.freeze({ family, tenant, key: family.isolatedByIdentity ? bare : own + bare });
}

function noFamily(key: string): UnprocessableEntityException {
  const [first = ''] = key.split(':');
  const here = catalogue.families.filter(({ pattern }) => pattern.split(':')[0] === first);
  const patterns = here.map(({ pattern }) => pattern);
  const near = here.length > 0 ? [] : nearFamilies(first).map((id) => catalogue.family(id)?.pattern ?? id);
  const hint =
    patterns.length > 0
      ? `Keys that begin so are ${patterns.join(', ')}. In a segment, : * ? [ ] { } \\ % and white space are written %XX, and a hash, a day or a UUID has its form.`
      : near.length > 0
        ? `Did you mean ${near.join(' or ')}?`
        : 'GET /v1/keyspace/families lists what there is.';
  const detail = `No family has this key. ${hint}`;
  return new UnprocessableEntityException({
    code: 'unknown_family',
    detail,
    errors: [{ path: 'key', message: detail }],
  });
}
