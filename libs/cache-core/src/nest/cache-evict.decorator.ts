import type { Family } from '../keyspace/family.js';
import { isVersioned } from '../keyspace/version-key.js';
import type { CacheEvictOptions } from './cacheable-options.js';
import { replaceMethod } from './decorated-method.js';

/**
 * Invalidates entries of the family after the method has ended, and before its caller goes on: whoever reads after the
 * caller got his answer reads what the method wrote. A method that failed may have written all the same, so its entries
 * go too; that costs a miss at most. Which they are is asked before the method runs, of the arguments as it was given them.
 *
 * While Redis is away the invalidation is kept and applied before this process trusts Redis again; the method's result is
 * returned all the same.
 *
 * @since 0.2.0
 */
export function CacheEvict<F extends Family, A extends unknown[] = []>(family: F, options: CacheEvictOptions<F, A>) {
  if (options.key === undefined && options.tags === undefined && options.wholeFamily !== true) {
    throw new TypeError(`CacheEvict of ${family.id} names nothing to evict: give key, tags or wholeFamily`);
  }
  if (options.wholeFamily === true && !isVersioned(family.role)) {
    throw new TypeError(`CacheEvict of ${family.id}: keys of role ${family.role} are invalidated one by one, by key`);
  }
  // What the options do not look at may be anything.
  return <M extends (...args: [...A, ...never[]]) => Promise<unknown>>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const method = descriptor as unknown as TypedPropertyDescriptor<(...args: A) => Promise<unknown>>;
    replaceMethod(target, name, method, (methods, call) => methods.evicting(family, options, call));
  };
}
