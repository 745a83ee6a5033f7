/**
 * `GET /v1/models` and `GET /v1/models/{model}`: what the provider says of its models, kept for a minute, the same for all
 * requests that it would answer alike. Who asks in Anthropic's manner is told what Anthropic's upstream says.
 */
import {
  ageMsOf,
  type Cache,
  type CacheAside,
  forwardedCacheHeaders,
  forwardingOf,
  hitCacheHeaders,
  keyspace,
  parseBody,
  type ParsedBody,
  type Reading,
  requestIdentity,
  type ResponseHeaders,
  staleCacheHeaders,
  valueReading,
} from '@promptsales/cache-core';
import { labelsOf } from '../gateway/stored-form.js';
import { NOT_CONFIGURED, type UpstreamDirectory } from '../gateway/directories.js';
import type { Attribution } from '../ledger/ledger.js';
import { CHAT_COMPLETIONS } from '../protocol/chat-completions/chat-completions.js';
import { isObject, parsed } from '../protocol/json-object.js';
import { LlmError } from '../protocol/llm-error.js';
import { MESSAGES } from '../protocol/messages/messages.js';
import type { JsonObject, Protocol } from '../protocol/protocol.js';
import { parseLlmCacheControls, type LlmCacheControls } from '../request/cache-controls.js';
import { forwardedHeaders } from '../request/forwarded-headers.js';
import { modelSegment } from '../upstream/model-segment.js';
import type { Upstream, UpstreamTarget } from '../upstream/upstream-client.js';
import { WholeCalls } from '../upstream/whole-call.js';
import type { LlmCacheObserver } from './llm-cache-observer.js';

export interface ModelListParts {
  readonly cache: Cache;
  readonly aside: CacheAside;
  readonly client: Upstream;
  readonly upstreams: UpstreamDirectory;
  readonly observer: LlmCacheObserver;
}

export interface ModelListReply {
  readonly status: number;
  readonly headers: ResponseHeaders;
  readonly body: Buffer | string;
}

export interface ModelsQuestion {
  /** Null: all of them. */
  readonly model: string | null;
  readonly caller: Attribution;
  readonly headers: Headers;
  readonly query: unknown;
  /** Aborted when the client has left; who else waits for the same still gets it. */
  readonly left: AbortSignal;
}

/** How a provider's protocol speaks of models. */
interface Manner {
  readonly protocol: Protocol;
  readonly operations: { readonly all: string; readonly one: string };
  readonly path: string;
  /** By which a list is taken in pieces. */
  readonly parameters: readonly string[];
}

/** What is asked of the provider. */
interface Subject {
  readonly protocol: Protocol;
  readonly operation: string;
  /** Below the provider's base URL. */
  readonly path: string;
  /** Null: all of them. */
  readonly model: string | null;
  readonly body: ParsedBody;
}

const OPENAI: Manner = {
  protocol: CHAT_COMPLETIONS,
  operations: { all: 'openai.models', one: 'openai.model' },
  path: '/models',
  parameters: [],
};
const ANTHROPIC: Manner = {
  protocol: MESSAGES,
  operations: { all: 'anthropic.models', one: 'anthropic.model' },
  path: '/v1/models',
  parameters: ['after_id', 'before_id', 'beta', 'limit'],
};
/** Every request of Anthropic's SDKs has it, and no other's. `x-api-key` says nothing: it takes our own keys for any client. */
const MARK = 'anthropic-version';
const LONGEST_PARAMETER = 512;
const JSON_TYPE = { 'content-type': 'application/json' };

/** The provider's own refusal, passed on. */
class ModelsRefusedError extends Error {
  readonly code = 'models_refused';
  constructor(readonly reply: ModelListReply) {
    super(`The provider refused to tell of its models (${reply.status}).`);
    this.name = 'ModelsRefusedError';
  }
}

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** In whose protocol a question about models is asked, and to be answered. */
export function protocolOfModels(headers: Headers): Protocol {
  return mannerOf(headers).protocol;
}

export class ModelList {
  readonly #parts: ModelListParts;
  readonly #calls: WholeCalls;

  constructor(parts: ModelListParts) {
    this.#parts = parts;
    this.#calls = new WholeCalls(parts.client, (error) => parts.observer.failed?.(error));
  }

  /** Ends what is being asked for. */
  stop(): void {
    this.#calls.stop();
  }

  /**
   * @throws LlmError
   * @throws the reason of `left`
   */
  async tell(question: ModelsQuestion): Promise<ModelListReply> {
    const { caller, headers, left } = question;
    const subject = subjectOf(question);
    const controls = parseLlmCacheControls(headers);
    const target = this.#parts.upstreams.targetFor({
      operation: subject.operation,
      tenant: caller.tenant,
      model: subject.model,
    });
    if (target === null) throw new LlmError('upstream_not_configured', NOT_CONFIGURED);
    const forwarded = forwardedHeaders(headers);
    const load = (signal: AbortSignal): Promise<JsonObject> => this.#load(subject, target, forwarded, signal);
    try {
      if (controls.noStore && !controls.onlyIfCached)
        return replied(await load(left), forwardedCacheHeaders('BYPASS', { why: 'no-store' }));
      return await this.#cached(subject, caller, controls, forwarded, target, load, left);
    } catch (error) {
      if (error instanceof ModelsRefusedError) return error.reply;
      throw error;
    }
  }

  async #cached(
    subject: Subject,
    caller: Attribution,
    controls: LlmCacheControls,
    forwarded: Readonly<Record<string, string>>,
    target: UpstreamTarget,
    load: (signal: AbortSignal) => Promise<JsonObject>,
    signal: AbortSignal,
  ): Promise<ModelListReply> {
    const { cache, aside } = this.#parts;
    const hash = requestIdentity({
      version: 1,
      tenant: caller.tenant,
      scope: 'tenant',
      namespace: controls.namespace,
      upstream: target.baseUrl,
      operation: subject.operation,
      headers: forwarded,
      body: subject.body,
      omit: [],
    });
    const ref = keyspace.llmModels.at({ hash }, caller.tenant);
    const labels = labelsOf(controls);
    const reading = valueReading(ref, labels);
    const maxAgeMs = (controls.maxAgeSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    if (controls.onlyIfCached) {
      const found = controls.noCache || controls.noStore ? null : await cache.lookup(reading);
      if (found?.kind === 'hit' && ageMsOf(found.hit) <= maxAgeMs)
        return replied(found.hit.value, hitCacheHeaders(found.hit));
      throw new LlmError('not_in_cache', 'This is not stored, and only-if-cached forbids to ask for it.');
    }
    let anew = controls.noCache;
    try {
      const loaded = await aside.getOrLoad(ref, (context) => load(context.signal), {
        anew,
        labels,
        signal,
        ...(controls.ttlSeconds === null ? {} : { ttlSeconds: controls.ttlSeconds }),
        accept: (hit) => {
          const fresh = ageMsOf(hit) <= maxAgeMs;
          anew ||= !fresh;
          return fresh;
        },
      });
      const value = loaded.value as JsonObject;
      if (loaded.source === 'hit' && loaded.hit !== null) return replied(value, hitCacheHeaders(loaded.hit));
      if (loaded.source !== 'loaded') return replied(value, forwardedCacheHeaders('COALESCED'));
      return replied(value, forwardedCacheHeaders(anew ? 'REFRESH' : 'MISS', forwardingOf(await loaded.stored)));
    } catch (error) {
      const stale = isProvidersFault(error) ? await this.#staleOnError(reading, controls) : null;
      if (stale === null) throw error;
      return stale;
    }
  }

  /** The stored list, where the caller takes an old one rather than an error. */
  async #staleOnError(
    reading: Reading<unknown>,
    { staleIfErrorSeconds, maxAgeSeconds }: LlmCacheControls,
  ): Promise<ModelListReply | null> {
    if (staleIfErrorSeconds === null) return null;
    const found = await this.#parts.cache.lookup(reading);
    const fresh = maxAgeSeconds ?? 0;
    if (found.kind !== 'hit' || ageMsOf(found.hit) > (fresh + staleIfErrorSeconds) * 1000) return null;
    return replied(found.hit.value as JsonObject, staleCacheHeaders(found.hit, fresh));
  }

  async #load(
    { path, protocol }: Subject,
    target: UpstreamTarget,
    headers: Readonly<Record<string, string>>,
    left: AbortSignal,
  ): Promise<JsonObject> {
    const { credentialHeader = 'authorization' } = protocol;
    const request = { target, method: 'GET' as const, path, headers, body: null, credentialHeader };
    const reply = await this.#calls.make({ request, protocol, left });
    if (reply.kind === 'refused') {
      throw new ModelsRefusedError({ ...reply, headers: { ...reply.headers, ...forwardedCacheHeaders('MISS') } });
    }
    const value = parsed(reply.body.toString());
    if (!isObject(value)) {
      throw new LlmError('upstream_invalid_response', 'The provider did not answer with what it has of models.');
    }
    return value;
  }
}

function mannerOf(headers: Headers): Manner {
  return headers[MARK] === undefined ? OPENAI : ANTHROPIC;
}

function subjectOf({ model, headers, query }: ModelsQuestion): Subject {
  const { protocol, operations, path, parameters } = mannerOf(headers);
  const asked = parametersIn(query, parameters);
  const search = asked.size === 0 ? '' : `?${asked.toString()}`;
  if (model === null) {
    const body = bodyOf(search === '' ? null : { query: search });
    return { protocol, operation: operations.all, path: path + search, model, body };
  }
  const name = modelSegment(model);
  if (name === null) throw new LlmError('invalid_value', 'This cannot be the name of a model.', { param: 'model' });
  const body = bodyOf(search === '' ? model : { model, query: search });
  return { protocol, operation: operations.one, path: `${path}/${name}${search}`, model, body };
}

/** In one order, so that the same question is the same. */
function parametersIn(query: unknown, names: readonly string[]): URLSearchParams {
  const found = new URLSearchParams();
  if (!isObject(query)) return found;
  for (const name of names) {
    const value = query[name];
    if (value === undefined) continue;
    if (typeof value !== 'string' || value.length > LONGEST_PARAMETER) {
      throw new LlmError('invalid_value', `'${name}' must be given once, in at most ${LONGEST_PARAMETER} characters.`, {
        param: name,
      });
    }
    found.set(name, value);
  }
  return found;
}

function bodyOf(value: unknown): ParsedBody {
  return parseBody(Buffer.from(JSON.stringify(value)));
}

/** As in the gateway: a refusal below 500 is about the request, and an old answer does not change that. */
function isProvidersFault(error: unknown): boolean {
  return error instanceof ModelsRefusedError ? error.reply.status >= 500 : error instanceof LlmError;
}

function replied(value: JsonObject, headers: ResponseHeaders): ModelListReply {
  return { status: 200, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(value) };
}
