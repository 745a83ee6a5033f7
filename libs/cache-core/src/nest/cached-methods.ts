import { Inject, Injectable } from '@nestjs/common';
import { Cache } from '../cache/cache.js';
import { CacheAside } from '../cache/cache-aside.js';
import type { LoadOptions } from '../cache/load-options.js';
import { uncoveredArguments } from '../key-coverage/argument-coverage.js';
import { covered, type Keyed } from '../key-coverage/key-coverage.js';
import { KeyCoverageError } from '../key-coverage/key-coverage-error.js';
import { DEFAULT_TENANT, type Family, type ValueOf } from '../keyspace/family.js';
import { CACHE_CORE_SETTINGS, type CacheCoreSettings } from './cache-core-settings.js';
import type { CacheableOptions, CacheEvictOptions } from './cacheable-options.js';

/** A call of a decorated method. */
export interface MethodCall<A extends unknown[], R> {
  /** `Class.method`, for errors. */
  readonly name: string;
  /** How many parameters the method declares. */
  readonly parameters: number;
  readonly args: A;
  readonly run: (args: A) => Promise<R>;
}

/** What the decorators do at run time. */
@Injectable()
export class CachedMethods {
  readonly #cache: Cache;
  readonly #aside: CacheAside;
  readonly #settings: CacheCoreSettings;

  constructor(
    @Inject(Cache) cache: Cache,
    @Inject(CacheAside) aside: CacheAside,
    @Inject(CACHE_CORE_SETTINGS) settings: CacheCoreSettings,
  ) {
    this.#cache = cache;
    this.#aside = aside;
    this.#settings = settings;
  }

  async cached<F extends Family, A extends unknown[]>(
    family: F,
    { key, tenant, tags, ignores = [], ...load }: CacheableOptions<F, A>,
    call: MethodCall<A, ValueOf<F>>,
  ): Promise<ValueOf<F>> {
    const { args } = call;
    const keyed = this.#settings.keyCoverage
      ? coveredCall(call, key, ignores)
      : { key: key(...args), load: () => call.run(args) };
    const options: LoadOptions = tags === undefined ? load : { ...load, labels: { tags: tags(...args) } };
    const loaded = await this.#aside.getOrLoad(family.at(keyed.key, tenant?.(...args)), keyed.load, options);
    return loaded.value;
  }

  async evicting<F extends Family, A extends unknown[], R>(
    family: F,
    options: CacheEvictOptions<F, A>,
    { args, run }: MethodCall<A, R>,
  ): Promise<R> {
    // Before the method runs: a mistake in what is to go must not come out when it has written.
    const evict = this.#evictionOf(family, options, args);
    try {
      return await run(args);
    } finally {
      await evict();
    }
  }

  #evictionOf<F extends Family, A extends unknown[]>(
    family: F,
    { key, tags, wholeFamily, tenant }: CacheEvictOptions<F, A>,
    args: A,
  ): () => Promise<unknown> {
    const whose = tenant?.(...args) ?? DEFAULT_TENANT;
    const refs = (key === undefined ? [] : [key(...args)].flat()).map((segments) => family.at(segments, whose));
    const tagged = tags?.(...args) ?? [];
    return () =>
      Promise.all([
        ...refs.map((ref) => this.#cache.invalidate({ ref })),
        ...tagged.map((tag) => this.#cache.invalidateTag(tag, whose)),
        ...(wholeFamily === true ? [this.#cache.invalidateFamily(family, whose)] : []),
      ]);
  }
}

function coveredCall<K, A extends unknown[], R>(
  { name, parameters, args, run }: MethodCall<A, R>,
  key: (...args: A) => K,
  ignores: readonly string[],
): Keyed<K, Promise<R>> {
  const uncovered = uncoveredArguments(key, args).find(
    (position) => position < parameters && !ignores.includes(String(position)),
  );
  if (uncovered !== undefined) throw new KeyCoverageError(name, `argument ${uncovered}`);
  return covered({
    what: name,
    input: args,
    key: (given) => key(...given),
    load: run,
    ignores,
    called: (path) => `argument ${path}`,
  });
}
