import { BadRequestException, UnprocessableEntityException } from '@nestjs/common';
import {
  catalogue,
  FamilyGlob,
  GlobRefusedError,
  KeyspaceError,
  ROLES,
  type Family,
  type KeyRef,
} from '@promptsales/cache-core';
import { nearFamilies } from './near-families.js';

/** What is to be invalidated, and how. */
export interface InvalidationRequest {
  readonly selection: Selection;
  readonly mode: 'strict' | 'eventual';
  readonly dryRun: boolean;
}

export type Selection =
  | { readonly by: 'keys'; readonly refs: readonly KeyRef[] }
  | { readonly by: 'tags'; readonly tags: readonly string[] }
  | { readonly by: 'namespace'; readonly namespace: string }
  | { readonly by: 'family'; readonly family: Family }
  | { readonly by: 'pattern'; readonly glob: FamilyGlob };

export const MOST_KEYS = 10_000;
export const MOST_TAGS = 1000;
const LONGEST_KEY = 2000;
const LONGEST_NAME = 512;

/** Families whose keys are copies. */
const INVALIDATED = catalogue.families.filter(({ role }) => ROLES[role].evictable).map(({ id }) => id);

const SELECTORS = ['keys', 'tags', 'namespace', 'family', 'pattern'] as const;
type Selector = (typeof SELECTORS)[number];
type Body = Readonly<Record<string, unknown>>;

/**
 * Reads the body of `POST /v1/cache/invalidate`. Names are those of the caller's own tenant.
 * @throws BadRequestException `validation_failed` for another shape, UnprocessableEntityException for names that mean nothing
 * @throws GlobRefusedError
 */
export function readInvalidation(body: unknown, tenant: string): InvalidationRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw misshapen('', 'takes a JSON object');
  const fields = body as Body;
  const given = SELECTORS.filter((name) => fields[name] !== undefined);
  const [selector] = given;
  if (selector === undefined || given.length > 1) {
    throw misshapen(given[1] ?? '', `takes exactly one of ${SELECTORS.join(', ')}`);
  }
  const { mode = 'strict', dry_run: dryRun = false, ...rest } = fields;
  if (mode !== 'strict' && mode !== 'eventual') throw misshapen('mode', 'takes strict or eventual');
  if (typeof dryRun !== 'boolean') throw misshapen('dry_run', 'takes true or false');
  const { [selector]: value, ...segments } = rest;
  const [stray] = selector === 'family' ? [] : Object.keys(segments);
  if (stray !== undefined) throw misshapen(stray, `is not known beside ${selector}`);
  return { selection: select(selector, value, segments, tenant), mode, dryRun };
}

function select(selector: Selector, value: unknown, segments: Body, tenant: string): Selection {
  switch (selector) {
    case 'keys':
      return {
        by: 'keys',
        refs: textsOf('keys', value, MOST_KEYS, LONGEST_KEY).flatMap((key, at) => ownRef(key, at, tenant)),
      };
    case 'tags':
      return { by: 'tags', tags: textsOf('tags', value, MOST_TAGS, LONGEST_NAME) };
    case 'namespace':
      return { by: 'namespace', namespace: textOf('namespace', value, LONGEST_NAME) };
    case 'pattern':
      return ofGlob(FamilyGlob.parse(textOf('pattern', value, LONGEST_KEY), tenant));
    default:
      return ofFamily(textOf('family', value, LONGEST_NAME), segments, tenant);
  }
}

function ofFamily(id: string, segments: Body, tenant: string): Selection {
  const family = catalogue.family(id);
  if (family === undefined) {
    const near = nearFamilies(id);
    const hint = near.length === 0 ? `There are: ${INVALIDATED.join(', ')}.` : `Did you mean ${near.join(' or ')}?`;
    throw unprocessable('unknown_family', 'family', `There is no family ${JSON.stringify(id.slice(0, 80))}. ${hint}`);
  }
  const texts = Object.entries(segments).map(([name, text]) => [name, textOf(name, text, LONGEST_KEY)] as const);
  if (!ROLES[family.role].evictable) {
    const why = `keys of ${id} are no copies of anything: role ${family.role} must not lose them`;
    throw unprocessable('unprocessable', 'family', why);
  }
  if (texts.length === 0 && family.segmentNames.length > 0) return { by: 'family', family };
  try {
    return ofGlob(FamilyGlob.of(family, Object.fromEntries(texts), tenant));
  } catch (error) {
    if (!(error instanceof KeyspaceError)) throw error;
    throw unprocessable('unprocessable', 'family', error.message);
  }
}

function ofGlob(glob: FamilyGlob): Selection {
  const { onlyKey } = glob;
  return onlyKey === null ? { by: 'pattern', glob } : { by: 'keys', refs: [onlyKey] };
}

/** Nothing for a key of another tenant: it is as if it were not there. */
function ownRef(key: string, at: number, tenant: string): KeyRef[] {
  try {
    const { onlyKey } = FamilyGlob.parse(key, tenant);
    if (onlyKey === null)
      throw unprocessable('unprocessable', `keys[${at}]`, 'A key has no wildcards: send it as pattern.');
    return [onlyKey];
  } catch (error) {
    if (!(error instanceof GlobRefusedError)) throw error;
    if (error.refusal === 'tenant') return [];
    throw unprocessable(error.code, `keys[${at}]`, `keys[${at}]: ${error.why}`);
  }
}

function textsOf(field: string, value: unknown, most: number, longest: number): string[] {
  if (!Array.isArray(value) || value.length === 0) throw misshapen(field, 'takes a list of at least one text');
  if (value.length > most) {
    const why = `takes at most ${most} at a time, not ${value.length}: send several requests, or use a tag, a namespace or a pattern`;
    throw unprocessable('unprocessable', field, `${field} ${why}`);
  }
  return value.map((one, at) => textOf(`${field}[${at}]`, one, longest));
}

function textOf(field: string, value: unknown, longest: number): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= longest) return value;
  throw misshapen(field, `takes a text of 1 to ${longest} characters`);
}

function misshapen(path: string, message: string): BadRequestException {
  const detail = path === '' ? `The body ${message}.` : `${path}: ${message}`;
  return new BadRequestException({ code: 'validation_failed', detail, errors: [{ path, message }] });
}

function unprocessable(code: string, path: string, detail: string): UnprocessableEntityException {
  return new UnprocessableEntityException({ code, detail, errors: [{ path, message: detail }] });
}
