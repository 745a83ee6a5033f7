/** A stored answer as one request finds it. */
import type { Hit } from '@promptsales/cache-core';
import { isNotModified, fitsIfRange } from '../rules/conditions.js';
import { Fields, type FieldLine } from '../rules/fields.js';
import { httpDateText } from '../rules/http-date.js';
import { rangeAsked } from '../rules/ranges.js';
import { mayServeOnError, reuseOf, type Kept, type Reuse } from '../rules/reuse.js';
import { selectionOf, varyNames } from '../rules/variants.js';
import type { Stored, StoredAnswer } from '../stored/stored-answer.js';
import { hitLines } from './cache-status.js';
import type { Asked, CallReply } from './call.js';

export interface Found {
  readonly answer: StoredAnswer;
  readonly ageMs: number;
  readonly kept: Kept;
}

export function foundOf(answer: StoredAnswer, residentMs: number, { lifetime }: Pick<Asked, 'lifetime'>): Found {
  const ageMs = answer.initialAgeMs + Math.max(0, residentMs);
  const overridden = lifetime.override;
  const lifetimeSeconds = overridden ? lifetime.ttlSeconds : answer.lifetimeSeconds;
  return { answer, ageMs, kept: { fields: answer.fields, lifetimeSeconds, overridden, ageSeconds: ageMs / 1000 } };
}

export function foundInHit({ value, storedAtMs, readAtMs }: Hit<Stored>, asked: Pick<Asked, 'lifetime'>): Found | null {
  return value.kind === 'answer' ? foundOf(value, readAtMs - (storedAtMs ?? readAtMs), asked) : null;
}

export function reuse({ kept }: Found, { terms }: Pick<Asked, 'terms'>): Reuse {
  return reuseOf(kept, terms);
}

export function servesOnError({ kept }: Found, { terms, service }: Pick<Asked, 'terms' | 'service'>): boolean {
  return mayServeOnError(kept, terms, service.staleIfError);
}

/** Whether it is what this request selects, where it was kept for another one. */
export function isSelectedBy({ fields, selecting }: StoredAnswer, request: Fields): boolean {
  const names = varyNames(fields);
  if (names === null) return false;
  const values = selectionOf(request, names);
  return values.length === selecting.length && values.every((value, at) => value === selecting[at]);
}

/**
 * What the caller gets of it: all, a range, or the word that he has it already.
 * @param lines what it says of its way here
 */
export function replyFrom(
  { answer, ageMs, kept }: Found,
  { call, fields: asking }: Pick<Asked, 'fields'> & { readonly call: Pick<Asked['call'], 'method'> },
  how: 'hit' | 'stale' | 'coalesced',
  nowMs: number,
  lines: readonly FieldLine[] = hitLines(ageMs, kept.lifetimeSeconds, how),
): CallReply {
  const { status, reason, fields, body } = answer;
  if (status === 200 && isNotModified(asking, fields, nowMs)) {
    return { status: 304, reason: 'Not Modified', fields: ofNotModified(fields).with(...lines), body: null };
  }
  const range = status === 200 && call.method === 'GET' && fitsIfRange(asking, fields, nowMs);
  const asked = range ? rangeAsked(asking.joined('range'), body.length) : 'whole';
  if (asked === 'unsatisfiable') {
    const unsatisfied: FieldLine = ['Content-Range', `bytes */${body.length}`];
    return {
      status: 416,
      reason: 'Range Not Satisfiable',
      fields: new Fields([['Date', httpDateText(nowMs)], unsatisfied, ['Content-Length', '0'], ...lines]),
      body: null,
    };
  }
  if (asked !== 'whole') {
    const part = body.subarray(asked.first, asked.last + 1);
    const partial = fields
      .without((name) => name === 'content-length' || name === 'content-range')
      .with(
        ['Content-Range', `bytes ${asked.first}-${asked.last}/${body.length}`],
        ['Content-Length', String(part.length)],
      );
    return { status: 206, reason: 'Partial Content', fields: partial.with(...lines), body: part };
  }
  return { status, reason, fields: withLength(answer).with(...lines), body: call.method === 'HEAD' ? null : body };
}

/** RFC 9110 §15.4.5 */
function ofNotModified(fields: Fields): Fields {
  return fields.without((name) => name === 'content-length' || name === 'content-encoding' || name === 'content-type');
}

/** What came in chunks is whole now. */
function withLength({ status, fields, body }: StoredAnswer): Fields {
  if (fields.has('content-length') || status === 204) return fields;
  return fields.with(['Content-Length', String(body.length)]);
}
