import 'reflect-metadata';
import { Inject } from '@nestjs/common';
import { CachedMethods, type MethodCall } from './cached-methods.js';

const METHODS = Symbol('CachedMethods');

type Replacement<A extends unknown[], R> = (methods: CachedMethods, call: MethodCall<A, R>) => Promise<R>;

/**
 * Puts `replacement` around a method. Nest injects what it needs as a property of the instance, which works in every
 * scope; an instance that Nest did not make has none, and its method runs undecorated.
 */
export function replaceMethod<A extends unknown[], R>(
  target: object,
  name: string | symbol,
  descriptor: TypedPropertyDescriptor<(...args: A) => Promise<R>>,
  replacement: Replacement<A, R>,
): void {
  const method = descriptor.value;
  if (method === undefined) throw new TypeError(`${String(name)} is no method: only methods can be decorated so`);
  Inject(CachedMethods)(target, METHODS);
  const callName = `${target.constructor.name}.${String(name)}`;
  const decorated = function (this: { [METHODS]?: CachedMethods }, ...args: A): Promise<R> {
    const methods = this[METHODS];
    if (methods === undefined) return method.apply(this, args);
    const run = (given: A): Promise<R> => method.apply(this, given);
    return replacement(methods, { name: callName, parameters: method.length, args, run });
  };
  takeAfter(decorated, method);
  descriptor.value = decorated;
}

/** What decorators below have said of the method (that it is a route, a schedule, …) is said of what stands for it. */
function takeAfter(decorated: object, method: (...args: never[]) => unknown): void {
  for (const name of ['name', 'length'] as const) {
    Object.defineProperty(decorated, name, { value: method[name], configurable: true });
  }
  for (const key of Reflect.getOwnMetadataKeys(method) as unknown[]) {
    Reflect.defineMetadata(key, Reflect.getOwnMetadata(key, method), decorated);
  }
}
