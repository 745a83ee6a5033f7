/**
 * About how many bytes of heap a decoded value takes: a reckoning, not a measurement. A value that holds slices or
 * instances of classes takes at least the bytes that it was made from, because they keep them alive.
 */
const OBJECT_BYTES = 56;
const STRING_BYTES = 24;
const SLOT_BYTES = 8;
const VIEW_BYTES = 120;
const NAMED_TEXT = 4096;

export function heapBytesOf(value: unknown, madeFromBytes: number): number {
  let bytes = 0;
  let holdsSource = false;
  // A list of what is still to be looked at, because values may be nested deeper than the stack.
  const open: unknown[] = [value];
  while (open.length > 0) {
    const one = open.pop();
    bytes += SLOT_BYTES;
    if (typeof one === 'string') bytes += STRING_BYTES + textBytes(one);
    if (typeof one !== 'object' || one === null) continue;
    bytes += OBJECT_BYTES;
    if (ArrayBuffer.isView(one)) {
      bytes += VIEW_BYTES + one.byteLength;
      holdsSource = true;
    } else if (Array.isArray(one)) {
      for (const item of one) open.push(item);
    } else {
      holdsSource ||= isInstance(one);
      // Names are shared between objects of one shape.
      for (const name in one) open.push((one as Record<string, unknown>)[name]);
    }
  }
  return holdsSource ? Math.max(bytes, madeFromBytes) : bytes;
}

function isInstance(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype !== Object.prototype && prototype !== null;
}

/** One byte a character, or two where one does not hold them; of a long text its beginning decides. */
function textBytes(text: string): number {
  const wide = /[^\0-\xFF]/.test(text.length > NAMED_TEXT ? text.slice(0, NAMED_TEXT) : text);
  return wide ? text.length * 2 : text.length;
}
