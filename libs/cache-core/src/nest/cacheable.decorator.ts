import type { Family, ValueOf } from '../keyspace/family.js';
import type { CacheableOptions } from './cacheable-options.js';
import { replaceMethod } from './decorated-method.js';

/**
 * Cache-aside for a method of a Nest provider: the stored value, or what the method returns, loaded once for any number
 * of simultaneous callers over all processes. Segments and value are typed by the family.
 *
 * An instance that Nest did not make (`new LeadsService(…)` in a unit test) has no cache: its method simply runs.
 *
 * When not to use it: for a method with side effects, or whose answer must never be older than its source.
 *
 * @throws KeyspaceError `value_shape` when the method returns what is no value of the family; nothing is stored
 * @throws KeyCoverageError outside production, when the method reads input that its key does not cover
 * @since 0.2.0
 */
export function Cacheable<F extends Family, A extends unknown[]>(family: F, options: CacheableOptions<F, A>) {
  return <M extends (...args: A) => Promise<ValueOf<F>>>(
    target: object,
    name: string | symbol,
    descriptor: TypedPropertyDescriptor<M>,
  ): void => {
    const method = descriptor as unknown as TypedPropertyDescriptor<(...args: A) => Promise<ValueOf<F>>>;
    replaceMethod(target, name, method, (methods, call) => methods.cached(family, options, call));
  };
}
