/**
 * Answers questions with what is kept, or has one asker ask for all who want to know the same.
 *
 * 1. A result is kept only if it is whole, no failure, came without a question of the server in between, and says nothing
 *    against it. What is not kept is for him who asked, and for those who waited with him only where it is a plain error.
 * 2. Whom a result may be shared with is known when it is there: it is kept only where it was looked for, and what belongs
 *    to a narrower circle is looked for there the next time.
 * 3. What is served carries the time to live that is left.
 */
import {
  ageMsOf,
  CacheAside,
  forwardedCacheHeaders,
  forwardingOf,
  hitCacheHeaders,
  keyspace,
  LoadTimeoutError,
  valueReading,
  type Cache,
  type EntryLabels,
  type Hit,
  type KeyRef,
  type Loaded,
  type RedisRoles,
  type ResponseHeaders,
  type ValueOf,
} from '@promptsales/cache-core';
import { isObject, McpError, RPC, type JsonObject } from '../json-rpc/message.js';
import { isWhole } from './cacheable.js';
import {
  accountingOf,
  isAccounted,
  keptCall,
  keptTool,
  resultOf,
  type CallFamily,
  type ToolFamily,
} from './kept-result.js';
import { isGoodAt, LEAST_SECONDS, lifetimeOf } from './lifetimes.js';
import type { Listeners } from './listeners.js';
import { Remembered } from './remembered.js';
import { identityOf, type Question } from './question.js';
import { circleOfResult, tagOf, type Circle, type Subject } from './scopes.js';

/** What a server answered. */
export interface Asked {
  /** The JSON-RPC response. */
  readonly response: JsonObject;
  /** It can be told again from what JSON.parse makes of it. */
  readonly faithful: boolean;
  /** The server asked the client something before it answered. */
  readonly interactive: boolean;
}

/** Asks the server. `signal` aborts when nobody waits any more. */
export type Ask = (signal: AbortSignal) => Promise<Asked>;

export interface Answered {
  /** With the id of whoever asked the server; the answer to the client gets its own. */
  readonly response: JsonObject;
  /** `x-cache`, `Cache-Status`, `Age` */
  readonly headers: ResponseHeaders;
}

type AnyFamily = CallFamily | ToolFamily;
type AnyValue = ValueOf<CallFamily> | ValueOf<ToolFamily>;

/** Thrown by a load whose result is not to be kept. */
class NotKept extends Error {
  constructor(
    readonly asked: Asked,
    readonly shared: boolean,
  ) {
    super('not kept');
  }
}

/** Where a result would be kept. */
interface Place {
  readonly scope: string;
  readonly family: AnyFamily;
  readonly familySeconds: number;
}

const LARGEST_MEMORY = 10_000;

export class Results {
  readonly #cache: Cache;
  readonly #aside: CacheAside;
  readonly #listeners: Pick<Listeners, 'live'>;
  readonly #timeoutMs: number;
  /** Within whom results of a question turned out to be shared, where it is not where they were looked for. */
  readonly #circles = new Remembered<Circle>(LARGEST_MEMORY);
  /** Tools whose results turned out to carry accounting. */
  readonly #accounted = new Remembered<true>(LARGEST_MEMORY);

  /** @param timeoutMs for a whole answer, however the server spreads it: others wait for it too */
  constructor(cache: Cache, roles: RedisRoles, listeners: Pick<Listeners, 'live'>, timeoutMs: number) {
    this.#cache = cache;
    this.#aside = new CacheAside(cache, roles);
    this.#listeners = listeners;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @param admitted before it resolves nobody is answered or asked; what is kept is looked up beside it
   * @throws whatever `ask` throws, and why he is not admitted
   * @throws McpError when nothing is kept and nothing may be asked, or the answer does not come in time
   */
  async answer(question: Question, ask: Ask, left: AbortSignal, admitted: Promise<unknown>): Promise<Answered> {
    const { controls } = question;
    if (controls.noStore && !controls.onlyIfCached) {
      await admitted;
      return { response: (await ask(left)).response, headers: forwardedCacheHeaders('BYPASS', { why: 'no-store' }) };
    }
    const scope = this.#scopeOf(question);
    const ref = this.#refOf(question, scope);
    const accept = await this.#judgeOf(question, scope);
    if (controls.onlyIfCached) return this.#onlyKept(ref, accept, admitted);
    const familySeconds = this.#cache.ttlSeconds({ ref });
    let own = false;
    const load = async ({ signal }: { readonly signal: AbortSignal }): Promise<AnyValue> => {
      own = true;
      return this.#kept(question, { scope, family: ref.family, familySeconds }, await ask(signal));
    };
    try {
      const loaded = await this.#aside.getOrLoad(
        ref as KeyRef<CallFamily>,
        load as () => Promise<ValueOf<CallFamily>>,
        {
          labels: labelsOf(question, scope),
          ttlSeconds: (value) => lifetimeOf(question, resultOf(value), familySeconds) ?? LEAST_SECONDS,
          accept,
          anew: controls.noCache,
          signal: left,
          beside: admitted,
          beta: 0,
          graceSeconds: 0,
          softTimeoutMs: null,
          hardTimeoutMs: this.#timeoutMs,
        },
      );
      return await answeredOf(loaded, controls.noCache);
    } catch (error) {
      await admitted;
      left.throwIfAborted();
      // Also for whoever only waited: a server that is silent for one is not to be asked by all of them at once.
      if (error instanceof LoadTimeoutError) {
        const message = 'The MCP server has not answered in time.';
        throw new McpError(504, RPC.internalError, 'upstream_timeout', message, null, { cause: error });
      }
      if (error instanceof NotKept && (own || error.shared)) {
        return { response: error.asked.response, headers: forwardedCacheHeaders(own ? 'MISS' : 'COALESCED') };
      }
      if (own) throw error;
      // Whoever asked for all of us has got what is his alone, or has left.
      return { response: (await ask(left)).response, headers: forwardedCacheHeaders('MISS') };
    }
  }

  /** What is kept, for ourselves: nothing is asked or counted as asked. */
  async find(question: Question): Promise<JsonObject | null> {
    const ref = this.#refOf(question, this.#scopeOf(question));
    const found = await this.#cache.lookup(valueReading(ref));
    return found.kind === 'hit' ? resultOf(found.hit.value) : null;
  }

  async #onlyKept(
    ref: KeyRef<AnyFamily>,
    accept: (hit: Hit<AnyValue>) => boolean,
    admitted: Promise<unknown>,
  ): Promise<Answered> {
    const [found] = await Promise.all([this.#cache.lookup<unknown>(valueReading(ref)), admitted]);
    const hit = found.kind === 'hit' ? (found.hit as Hit<AnyValue>) : null;
    if (hit === null || !accept(hit)) {
      const message = 'Nothing is kept for this request, and only-if-cached forbids to ask the server.';
      throw new McpError(504, RPC.refused, 'not_cached', message);
    }
    return fromHit(hit);
  }

  /** @throws NotKept */
  #kept(question: Question, { scope, family, familySeconds }: Place, asked: Asked): AnyValue {
    const { server, scopes, method, message, segmento } = question;
    const { result } = asked.response;
    if (asked.interactive || !asked.faithful) throw new NotKept(asked, false);
    if (!isWhole(result)) throw new NotKept(asked, isObject(asked.response['error']));
    const circle = circleOfResult(result, server);
    if (scopes[circle] !== scope) {
      this.#circles.set(topicOf(question), circle);
      throw new NotKept(asked, false);
    }
    if (lifetimeOf(question, result, familySeconds) === null) throw new NotKept(asked, false);
    if (family.id === keyspace.mcpTool.id) return keptTool(result, segmento, new Date());
    if (message.method === 'tools/call' && isAccounted(accountingOf(result))) {
      this.#accounted.set(toolOf(question), true);
      throw new NotKept(asked, false);
    }
    return keptCall(result, method.member, new Date());
  }

  /** Where a result is looked for: where one was found to belong, else where a trusted server would have it. */
  #scopeOf(question: Question): string {
    const { server, scopes } = question;
    return scopes[this.#circles.get(topicOf(question)) ?? (server.trust === 'public' ? 'public' : 'usual')];
  }

  #refOf(question: Question, scope: string): KeyRef<AnyFamily> {
    const { server, scopes, message, permission, segmento } = question;
    const called = message.method === 'tools/call';
    const accounted =
      called &&
      (segmento !== null || permission?.accounting === true || this.#accounted.get(toolOf(question)) === true);
    const segments = {
      server: server.name,
      tool: called ? String(message.params['name']) : message.method,
      params_hash: identityOf(question, scope),
    };
    return accounted ? keyspace.mcpTool.at(segments, scopes.tenant) : keyspace.mcpCall.at(segments, scopes.tenant);
  }

  /** Whether an entry will do for this caller now. */
  async #judgeOf({ changes, controls }: Question, scope: string): Promise<(hit: Hit<AnyValue>) => boolean> {
    const heard = changes !== 'told' || (await this.#listeners.live(scope));
    const { maxAgeSeconds } = controls;
    return (hit) => {
      const age = ageMsOf(hit) / 1000;
      if (maxAgeSeconds !== null && (hit.storedAtMs === null || age > maxAgeSeconds)) return false;
      const result = resultOf(hit.value);
      return result !== null && isGoodAt(age, result, heard);
    };
  }
}

function labelsOf({ controls, method, message }: Question, scope: string): EntryLabels {
  const subjects: Subject[] = ['everything'];
  if (method.kind !== null) subjects.push(method.kind);
  if (method.data) subjects.push('data');
  const { uri } = message.params;
  if (method.named === 'uri' && typeof uri === 'string') subjects.push({ uri });
  const tags = [...subjects.map((subject) => tagOf(scope, subject)), ...controls.tags];
  return controls.namespace === '' ? { tags } : { tags, namespace: controls.namespace };
}

async function answeredOf(loaded: Loaded<AnyValue>, asked: boolean): Promise<Answered> {
  if (loaded.hit !== null) return fromHit(loaded.hit);
  const response = { result: resultOf(loaded.value) };
  if (loaded.source !== 'loaded') return { response, headers: forwardedCacheHeaders('COALESCED') };
  return { response, headers: forwardedCacheHeaders(asked ? 'REFRESH' : 'MISS', forwardingOf(await loaded.stored)) };
}

function fromHit(hit: Hit<AnyValue>): Answered {
  const result = resultOf(hit.value) as JsonObject;
  const { ttlMs } = result;
  const left = typeof ttlMs === 'number' ? { ttlMs: Math.max(0, Math.floor(ttlMs - ageMsOf(hit))) } : {};
  return { response: { result: { ...result, ...left } }, headers: hitCacheHeaders(hit) };
}

/** The question whoever asks it: what is learned of it holds for all, as long as the operator trusts and shares as before. */
function topicOf(question: Question): string {
  const { trust, share } = question.server;
  return identityOf(question, `${trust} ${share}`);
}

function toolOf({ server, scopes, message }: Question): string {
  return JSON.stringify([scopes.tenant, server.identity, message.params['name']]);
}
