import { DEFAULT_TENANT, type ValueOf } from '../../keyspace/family.js';
import { keyspace } from '../../keyspace/keyspace.js';
import { serviceTag } from '../../keyspace/service-tag.js';
import { parseBody } from '../../request-identity/parsed-body.js';
import { requestIdentity } from '../../request-identity/request-identity.js';
import type { CacheableOptions } from '../cacheable-options.js';
import type { CachedMethods, MethodCall } from '../cached-methods.js';
import { replaceMethod } from '../decorated-method.js';
import { CachedCallError } from './cached-call-error.js';
import type { CachedCallOptions } from './cached-call-options.js';
import { plainJson } from './plain-json.js';

type ApiCall = ValueOf<typeof keyspace.apiCall>;

/** The recipe of `params_hash`. None of the proxy's keys is of this version. */
const RECIPE = 'call 1';
/** Of a call that has an answer: a client throws for every other status. */
const ANSWERED = 200;

/**
 * `@Cacheable` for a method that calls a REST service or an MCP server: the answer is an entry of the family `api.call`,
 * `{response, timestamp, status}` at `api:call:{service}:{method}:{params_hash}`. One call for any number of simultaneous
 * callers over all processes. The hash is over every argument, the tenant and the scope.
 *
 * An instance that Nest did not make has no cache: its method simply runs.
 *
 * When not to use it: for calls that change something, and for clients whose answer depends on what is no argument (a
 * credential of the instance, an `AsyncLocalStorage`) unless `scope` or `tenant` says so.
 *
 * @throws CachedCallError `argument_not_json` before the method runs; `answer_not_json` when it returns what JSON does not hold
 * @throws KeyCoverageError outside production, when the method reads what `params` leaves out
 * @throws whatever the method throws, unchanged
 * @since 0.2.0
 */
export function CachedCall<A extends unknown[] = [], R = unknown>(options: CachedCallOptions<A, R>) {
  const { service, method, keeps = () => true } = options;
  for (const [name, given] of Object.entries({ service, method })) {
    if (typeof given !== 'string' || given === '') throw new TypeError(`@CachedCall: ${name} is a name`);
  }
  const called = `${service}.${method}`;
  const cacheable = cacheableOf(options, called);

  async function answered(methods: CachedMethods, { run, ...call }: MethodCall<A, R>): Promise<R> {
    const calling = async (args: A): Promise<ApiCall> => {
      const response = await run(args);
      if (!keeps(response)) throw new Unkept(response);
      plainJson(response, 'left out', (path, why) => {
        throw new CachedCallError('answer_not_json', called, ['the answer', ...path].join('.'), why);
      });
      return { response, timestamp: new Date().toISOString(), status: ANSWERED };
    };
    try {
      const { response } = await methods.cached(keyspace.apiCall, cacheable, { ...call, run: calling });
      return response as R;
    } catch (error) {
      if (error instanceof Unkept) return error.response as R;
      throw error;
    }
  }

  // What the options do not look at may be anything.
  return <M extends (...args: [...A, ...never[]]) => Promise<R>>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const decorated = descriptor as unknown as TypedPropertyDescriptor<(...args: A) => Promise<R>>;
    replaceMethod(target, name, decorated, answered);
  };
}

/** An answer on its way past the cache, to all who wait for it here. As an error, because only errors are never stored. */
class Unkept extends Error {
  constructor(readonly response: unknown) {
    super('an answer that is not kept');
  }
}

function cacheableOf<A extends unknown[], R>(
  { service, method, params, tenant, scope, tags, keeps: _keeps, ...load }: CachedCallOptions<A, R>,
  called: string,
): CacheableOptions<typeof keyspace.apiCall, A> {
  const key = (...args: A) => {
    const refuse = (path: readonly string[], why: string): never => {
      const what = params === undefined ? ['argument', ...path] : ['params', ...path];
      throw new CachedCallError('argument_not_json', called, pathOf(what), why);
    };
    // `f(1)` and `f(1, undefined)` have one JSON. To most methods they are the same, but not to all.
    const given =
      params === undefined ? { count: args.length, all: upToLast(args) } : { count: 0, all: params(...args) };
    const params_hash = requestIdentity({
      version: RECIPE,
      tenant: tenant?.(...args) ?? DEFAULT_TENANT,
      scope: scope?.(...args) ?? '',
      namespace: '',
      upstream: service,
      operation: method,
      headers: { arguments: String(given.count) },
      body: parseBody(Buffer.from(plainJson(given.all, 'refused', refuse))),
      omit: [],
    });
    return { service, method, params_hash };
  };
  return {
    ...load,
    key,
    ...(tenant === undefined ? {} : { tenant }),
    tags: (...args) => [serviceTag(service), ...(tags?.(...args) ?? [])],
  };
}

/** `argument 0.since` */
function pathOf([what, first, ...rest]: readonly string[]): string {
  return [first === undefined ? what : `${what} ${first}`, ...rest].join('.');
}

/** Without what is left out at the end. */
function upToLast(args: readonly unknown[]): readonly unknown[] {
  return args.slice(0, args.findLastIndex((argument) => argument !== undefined) + 1);
}
