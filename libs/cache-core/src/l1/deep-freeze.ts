/**
 * Freezes plain objects and arrays all the way down: what L1 holds is shared by all who read it. Bytes and instances of
 * classes are left as they are.
 */
export function deepFreeze(value: unknown): void {
  const open: unknown[] = [value];
  while (open.length > 0) {
    const one = open.pop();
    if (typeof one !== 'object' || one === null || Object.isFrozen(one) || !isPlain(one)) continue;
    Object.freeze(one);
    open.push(...Object.values(one));
  }
}

function isPlain(object: object): boolean {
  if (Array.isArray(object)) return true;
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}
