/**
 * Where answers lie. The key of a URI holds its answer; or, where the service tells several apart (`Vary`), their names and the
 * generation under which each lies at a key of its own. To remove the one entry is to remove them all. Parts lie likewise under a second key of the
 * URI, told apart by `Range`.
 */
import { hash } from 'node:crypto';
import {
  BodyError,
  keyspace,
  parseBody,
  requestIdentity,
  type EntryLabels,
  type KeyRef,
  type ParsedBody,
  type Reading,
} from '@promptsales/cache-core';
import type { Fields } from '../rules/fields.js';
import { selectingValues } from '../rules/variants.js';
import { decodeStored, JSON_TYPE, type Stored, type Variants } from '../stored/stored-answer.js';
import type { Asked } from './call.js';

const RECIPE = 1;
const NOTHING = parseBody(Buffer.from('null'));
const OF_THE_BODY = ['content-type', 'content-encoding'] as const;
/** A body of which nothing is said is tried. */
const ANY_JSON = 'application/json';

type Question = Pick<Asked, 'service' | 'target' | 'fields' | 'namespace' | 'part' | 'question' | 'operation'> & {
  readonly call: Pick<Asked['call'], 'tenant'>;
};

export function placeOf(asked: Question, variants: Variants | null): KeyRef {
  const { service, target, namespace, question, operation, call } = asked;
  const headers: Record<string, string> = {};
  if (variants !== null) {
    headers['generation'] = variants.generation;
    const values = selectingValues(asked.fields, variants.names);
    for (const [at, name] of variants.names.entries()) headers[`vary ${name}`] = JSON.stringify(values[at]);
  }
  if (question !== null) {
    // The same bytes under another name are another question.
    for (const name of OF_THE_BODY) headers[name] = JSON.stringify(asked.fields.joined(name));
  }
  const { body, raw } = questionOf(question, asked.fields);
  if (raw !== null) headers['body'] = raw;
  if (asked.part) headers['part'] = 'of it';
  const identity = requestIdentity({
    version: RECIPE,
    tenant: call.tenant,
    scope: '',
    namespace,
    upstream: `${service.name} ${service.space}`,
    operation: `${question === null ? 'GET' : 'POST'} ${target.line}`,
    headers,
    body,
    omit: [],
  });
  return keyspace.apiCall.at({ service: service.name, method: operation, params_hash: identity }, call.tenant);
}

export function readingAt(ref: KeyRef, labels: EntryLabels): Reading<Stored> {
  return { ref, labels, decode };
}

/** One function for all: by it L1 knows what it has decoded. */
function decode([bytes]: readonly Buffer[]): Stored {
  return decodeStored(bytes as Buffer);
}

/** JSON counts by what it says, anything else by its bytes. */
function questionOf(
  question: Buffer | null,
  fields: Fields,
): { readonly body: ParsedBody; readonly raw: string | null } {
  if (question === null) return { body: NOTHING, raw: null };
  const raw = { body: NOTHING, raw: hash('sha256', question, 'hex') };
  if (fields.has('content-encoding') || !JSON_TYPE.test(fields.joined('content-type') ?? ANY_JSON)) return raw;
  try {
    return { body: parseBody(question), raw: null };
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    return raw;
  }
}
