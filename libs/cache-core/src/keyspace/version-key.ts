/**
 * The keys of version subjects: what can be invalidated as a whole without naming its keys. They lie in each place
 * (server and database) that holds entries of an evictable role, and belong to none of the documented families.
 */
import { KeyspaceError } from './keyspace-error.js';
import { ROLES, type Role } from './roles.js';
import { decodeSegmentText, encodeSegmentText } from './segment-text.js';

export type VersionKind = 'family' | 'namespace' | 'tag';

const LABEL = 'version';

export const versionKeys = Object.freeze({
  id: 'cache.version',
  label: LABEL,
  pattern: `${LABEL}:{kind}:{tenant}:{name}`,
  description:
    'The current version of a family, a namespace or a tag of one tenant: a text that never repeats. Entries record the versions that they were loaded under; a missing or other version makes them misses.',

  /** What an entry's sidecar records: `tag:{name}`, the name encoded as a segment. */
  subject(kind: VersionKind, name: string): string {
    if (name === '') throw new KeyspaceError('labels', `a ${kind} has a name of at least one character`);
    return `${kind}:${encodeSegmentText(name)}`;
  },

  /** The physical key of a recorded subject. */
  keyOf(subject: string, tenant: string, prefix = ''): string {
    const separator = subject.indexOf(':');
    return `${this.rootOf(subject.slice(0, separator), tenant, prefix)}${subject.slice(separator + 1)}`;
  },

  /** What the version keys of all subjects of one kind begin with, prefix included. */
  rootOf(kind: string, tenant: string, prefix = ''): string {
    return `${prefix}${LABEL}:${kind}:${encodeSegmentText(tenant)}:`;
  },

  /** The tenant and the subject of a version key, or `undefined` for any other key. */
  subjectOf(key: string, prefix = ''): { readonly tenant: string; readonly subject: string } | undefined {
    const lead = `${prefix}${LABEL}:`;
    const [kind, tenant, name, ...more] = key.startsWith(lead) ? key.slice(lead.length).split(':') : [];
    const decoded = tenant === undefined ? undefined : decodeSegmentText(tenant);
    if (decoded === undefined || name === undefined || more.length > 0) return undefined;
    return { tenant: decoded, subject: `${kind}:${name}` };
  },
});

/** Whether entries of this role are under versions. What may not be evicted is no cache, and is removed key by key. */
export function isVersioned(role: Role): boolean {
  return ROLES[role].evictable;
}

export const VERSIONED_ROLES: readonly Role[] = Object.freeze((Object.keys(ROLES) as Role[]).filter(isVersioned));
