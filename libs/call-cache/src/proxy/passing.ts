/** Calls that are handed on as they come: what changes something, and what nothing that is stored can answer. */
import type { Cache, KeyRef } from '@promptsales/cache-core';
import type { Readable } from 'node:stream';
import { CallError } from '../call-error.js';
import type { Fields } from '../rules/fields.js';
import { hasExplicitLifetime, type Exchanged } from '../rules/freshness.js';
import { isBodiless, isOriginError } from '../rules/statuses.js';
import type { Upstream } from '../upstream/guarded-upstream.js';
import { spent, type UpstreamAnswer } from '../upstream/upstream-client.js';
import { forwardedLines, type Forwarded } from './cache-status.js';
import type { Asked, CallReply } from './call.js';
import { answerFields, framing } from './forwarded-fields.js';
import { replyFrom, servesOnError, type Found } from './found.js';
import { placeOf } from './places.js';
import { locatedBelow } from './target.js';

export interface PassingParts {
  readonly cache: Cache;
  readonly upstream: Upstream;
  readonly now?: () => number;
}

export interface Pass {
  readonly why: Forwarded;
  /** What was read of the body already, and the rest. */
  readonly body?: Readable;
  /** Serves when the service fails, where it may. */
  readonly stale?: Found | null;
}

/** For an answer that is as good as that to a GET (RFC 9110 §9.3.3). */
export interface Keeping {
  /** Where it would lie. */
  readonly ref: KeyRef;
  /** Ends what lies there. Null: the answer is not kept, because something newer was told of it since the request was sent. */
  readonly keep: (answer: UpstreamAnswer, exchanged: Exchanged) => Promise<CallReply | null>;
}

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY']);

export class Passing {
  readonly #parts: PassingParts;
  readonly #now: () => number;

  constructor(parts: PassingParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** @throws CallError, and the reason why the caller has left */
  async pass(asked: Asked, { why, body, stale = null }: Pass): Promise<CallReply> {
    let answer: UpstreamAnswer;
    try {
      answer = await this.#ask(asked, body ?? asked.call.body);
    } catch (error) {
      if (stale === null || asked.call.left.aborted || !servesOnError(stale, asked)) throw error;
      return replyFrom(stale, asked, 'stale', this.#now());
    }
    if (stale !== null && isOriginError(answer.status) && servesOnError(stale, asked)) {
      await answer.bytes.return();
      return replyFrom(stale, asked, 'stale', this.#now());
    }
    if (asked.call.method === 'HEAD' && stale !== null && disagrees(answer, stale))
      await orLetGo(answer, this.#invalidate(asked, [asked]));
    return replyOf(answer, asked, why);
  }

  /**
   * RFC 9111 §4.4: what it succeeds in changing, or may have changed where no answer came, is not served from what was stored
   * before.
   */
  async change(asked: Asked, keeping: Keeping | null = null): Promise<CallReply> {
    const requestedAtMs = this.#now();
    const changes = !SAFE.has(asked.call.method);
    const answer = await this.#ask(asked, asked.call.body).catch(async (error: unknown) => {
      if (changes && mayBeCarriedOut(error)) await this.#invalidate(asked, [asked]);
      throw error;
    });
    const exchanged = { requestedAtMs, receivedAtMs: this.#now() };
    const asOfGet = keeping !== null && isAsOfGet(answer, asked, exchanged);
    if (changes && answer.status >= 200 && answer.status < 400) {
      const located = ['location', 'content-location'].flatMap((name) => {
        const value = answer.fields.joined(name);
        return value === null ? [] : (locatedBelow(asked.service, asked.target.line, value) ?? []);
      });
      const lines = new Set([asked.target.line, ...located]);
      const questions = [...lines].map((line) => ({ ...asked, target: { ...asked.target, line } }));
      await orLetGo(answer, this.#invalidate(asked, questions, asOfGet ? keeping.ref : null));
    }
    const kept = asOfGet ? await orLetGo(answer, keeping.keep(answer, exchanged)) : null;
    if (kept !== null) return kept;
    return replyOf(answer, asked, 'method');
  }

  #ask({ service, target, fields, call }: Asked, body: Readable | null): Promise<UpstreamAnswer> {
    const { method, left, informed } = call;
    return this.#parts.upstream.call({
      service,
      method,
      target: target.line,
      fields: body === null ? withoutBody(fields, method) : fields.with(...framing(call.fields)),
      body,
      signal: left,
      ...(informed === undefined ? {} : { informed }),
    });
  }

  /** In the caller's namespace and in none. @param except is seen to elsewhere */
  async #invalidate(asked: Asked, questions: readonly Asked[], except: KeyRef | null = null): Promise<void> {
    const refs = new Map<string, KeyRef>();
    for (const question of questions) {
      for (const namespace of new Set([asked.namespace, ''])) {
        for (const operation of operationsOf(question)) {
          for (const part of [false, true]) {
            const ref = placeOf({ ...question, namespace, operation, part, question: null }, null);
            refs.set(ref.key, ref);
          }
        }
      }
    }
    if (except !== null) refs.delete(except.key);
    await Promise.all([...refs.values()].map((ref) => this.#parts.cache.invalidate({ ref })));
  }
}

/** Nobody reads an answer behind which something failed; unread, it would keep its place at the service. */
async function orLetGo<T>({ bytes }: UpstreamAnswer, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await bytes.return();
    throw error;
  }
}

/** It says that it is what a GET would bring, and for how long. */
function isAsOfGet({ status, fields }: UpstreamAnswer, asked: Asked, { receivedAtMs }: Exchanged): boolean {
  const located = fields.joined('content-location');
  if (asked.call.method !== 'POST' || status !== 200 || located === null) return false;
  const same = locatedBelow(asked.service, asked.target.line, located) === asked.target.line;
  return same && hasExplicitLifetime(fields, receivedAtMs);
}

/** Under which names a GET of this path is kept. */
function operationsOf({ service, target }: Asked): readonly string[] {
  const base = service.baseUrl.pathname.replace(/\/+$/, '');
  const [path = ''] = target.line.split('?');
  const below = path.startsWith(base) ? path.slice(base.length) : path;
  const rule = service.ttlRules.find((one) => one.path.matches(below === '' ? '/' : below));
  return [rule?.name ?? 'get'];
}

/** Node would say that a body of unknown length follows. */
function withoutBody(fields: Fields, method: string): Fields {
  return ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'TRACE'].includes(method) ? fields : fields.with(['Content-Length', '0']);
}

function replyOf(
  { status, reason, fields, bytes, trailers }: UpstreamAnswer,
  { call }: Asked,
  why: Forwarded,
): CallReply {
  const shown = { status, reason, fields: answerFields(fields).with(...forwardedLines(why, status, false)), trailers };
  if (!isBodiless(status) && call.method !== 'HEAD') return { ...shown, body: bytes };
  void spent(bytes);
  return { ...shown, body: null };
}

/** RFC 9111 §4.3.5: what a HEAD says of the stored answer. */
function disagrees({ status, fields }: UpstreamAnswer, { answer }: Found): boolean {
  if (status !== 200) return status < 500;
  return ['etag', 'last-modified', 'content-length'].some(
    (name) => fields.has(name) && answer.fields.has(name) && fields.joined(name) !== answer.fields.joined(name),
  );
}

/** It was sent, or nobody knows. */
function mayBeCarriedOut(error: unknown): boolean {
  return !(error instanceof CallError) || error.code === 'bad_gateway' || error.code === 'gateway_timeout';
}
