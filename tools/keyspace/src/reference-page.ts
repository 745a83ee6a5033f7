/** The keyspace as a page for people who read these keys from outside. Everything on it comes from the declarations. */
import {
  catalogue,
  changeKeys,
  queueKeys,
  companions,
  LONGEST_SEGMENT_BYTES,
  ROLES,
  ttlVariableOf,
  VERSIONED_ROLES,
  versionKeys,
  type Companion,
  type Family,
  type Role,
} from '@promptsales/cache-core';
import { valueShape } from './value-shape.js';

export function referencePage(): string {
  const roles = Object.keys(ROLES) as Role[];
  return (
    [INTRODUCTION, rolesTable(roles), ...roles.map(roleSection), companionSection(), VARIABLES].join('\n\n') + '\n'
  );
}

const INTRODUCTION = `# The keyspace

<!-- Written by \`npm run keyspace -- docs\` from libs/cache-core/src/keyspace/families; edit those declarations. -->

Every Redis key that the platform writes belongs to one family below. Literal parts, order of segments, Redis type, hash
fields and default TTL are a compatibility contract.

- \`{name}\` is a variable segment; the braces are not in the key. In a segment, \`: * ? [ ] { } \\ %\`, white space and control
  characters are written \`%XX\` (each UTF-8 byte, capital digits), and a lone surrogate as the three bytes it would have.
  A segment that would be longer than ${LONGEST_SEGMENT_BYTES} bytes so is \`%~\` and the SHA-256 (hex) of that text.
- The keys below are those of the tenant \`default\`. Those of any other tenant stand behind \`tenant:{tenant}:\`, except in
  families marked *by hash*: there a hash in the key covers the tenant.
- \`KEY_PREFIX\` stands before everything.
- A string begins with \`28 B5 2F FD\` when it is compressed (zstd), with \`C1 50 53 45\` when it is encrypted, and is what it
  seems otherwise.
- *others too*: other systems write these keys as well, so a value there counts without our \`meta:\` key beside it.`;

const VARIABLES = `## TTL variables

Each TTL can be set by the variable named beside it, within the range given. A broad variable sets all families that name it
in brackets; a family's own variable wins. Families without a TTL here get one with every write, or none at all.`;

function rolesTable(roles: readonly Role[]): string {
  const rows = roles.map((role) => {
    const { database, holds, evictable } = ROLES[role];
    return `| ${role} | ${database} | ${holds} | ${evictable ? 'yes' : 'no'} |`;
  });
  return ['| role | database | holds | may be evicted |', '|---|---|---|---|', ...rows].join('\n');
}

function roleSection(role: Role): string {
  const families = catalogue.families
    .filter((family) => family.role === role)
    .toSorted((left, right) => (left.id < right.id ? -1 : 1));
  return [`## Role \`${role}\``, ...families.map(familySection)].join('\n\n');
}

function familySection(family: Family): string {
  const lines = [
    `### ${family.id}`,
    '',
    `\`${family.pattern}\``,
    '',
    family.description,
    '',
    `- type: ${family.redisType}${family.kind === family.redisType ? '' : ` (${family.kind})`}`,
    `- TTL: ${ttlText(family)}`,
    ...(family.slotBy === undefined ? [] : [`- hash tag in a cluster: \`{${family.slotBy}}\`, in braces`]),
    `- tenants: ${family.isolatedByIdentity ? 'by hash' : '`tenant:{tenant}:` before the key'}`,
    ...segmentLines(family),
    ...flagLines(family),
    ...valueShape(family.value),
  ];
  return lines.join('\n');
}

function ttlText(family: Family): string {
  if (family.ttlSeconds === null) return family.expiry === 'caller' ? 'given with each write' : 'none';
  const { min, max } = family.ttlRange;
  const range = min === max ? 'fixed' : `${min} to ${max}`;
  const broad = family.ttlVariable === undefined ? '' : ` (${family.ttlVariable})`;
  const sliding = family.expiry === 'sliding' ? ', sliding' : '';
  return `${family.ttlSeconds} s${sliding}; ${range}; \`${ttlVariableOf(family)}\`${broad}`;
}

function segmentLines(family: Family): string[] {
  return family.tokens.flatMap((token) =>
    'segment' in token && token.shape.takes !== 'any text' ? [`- \`{${token.segment}}\`: ${token.shape.takes}`] : [],
  );
}

function flagLines(family: Family): string[] {
  const flags: string[] = [];
  if (family.compress) flags.push('- zstd above `COMPRESSION_THRESHOLD`');
  if (family.encrypt) flags.push('- encrypted as a whole');
  if (family.secretFields.length > 0) flags.push(`- encrypted fields: ${family.secretFields.join(', ')}`);
  if (family.otherWriters) flags.push('- written by: us, others too');
  return flags;
}

const VERSIONED = `the roles ${VERSIONED_ROLES.map((role) => `\`${role}\``).join(', ')}`;

function companionSection(): string {
  return [
    '## Beside these keys',
    '',
    'Keys of our own that lie in the same cluster slot and role as the key they belong to: `meta:{llm_cache:…}` beside',
    '`llm_cache:…`. Here the braces are in the key: they are its hash tag. A key that has a hash tag already keeps it',
    '(`meta::{app}:session:1`).',
    '',
    '| id | key | what | expires |',
    '|---|---|---|---|',
    ...Object.values(companions).map(companionRow),
    '',
    '## Versions',
    '',
    `\`${versionKeys.pattern}\`, in each place that holds keys of ${VERSIONED}. \`{kind}\` is \`family\`, \`namespace\` or \`tag\`.`,
    '',
    versionKeys.description,
    '',
    '- id: cache.version; type: string (text); TTL: 30 days, prolonged while it is in use',
    '- tenants: in the key, the tenant `default` too',
    '',
    '## Changes',
    '',
    `\`${changeKeys.pattern}\`, in each place that holds keys which L1 may keep, where it cannot have Redis tell it of changes.`,
    '',
    changeKeys.description,
    '',
    '- id: cache.changes; type: hash; TTL: 10 minutes, prolonged by each process that relies on it',
    '',
    '## Queues',
    '',
    `\`${queueKeys.pattern}\`, in role \`state\`.`,
    '',
    queueKeys.description,
    '',
    '- id: queue.bullmq; types and expiry are BullMQ’s own',
    '- tenants: all of them in one queue, known by ids of jobs',
  ].join('\n');
}

function companionRow(companion: Companion): string {
  const expiry = companion.expiry === 'caller' ? 'given with each write' : companion.expiry;
  return `| ${companion.id} | \`${companion.label}:{…}\` | ${companion.description} | ${expiry} |`;
}
