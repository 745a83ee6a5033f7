import type { Family, KeyRef, ValueOf } from '../keyspace/family.js';
import { KeyspaceError } from '../keyspace/keyspace-error.js';
import type { EntryLabels, Reading } from './entry.js';
import { sortPairs, type Stored } from './stored.js';

type Decode<F extends Family> = Reading<ValueOf<F>>['decode'];

/** One function for each family: by it L1 knows that a value was made as its reader would make it. */
const decoders = new WeakMap<Family, Decode<Family>>();
let latest: { readonly family: Family | null; readonly decoder: unknown } = { family: null, decoder: null };

/** Reads an entry as its family's own value. */
export function valueReading<F extends Family>(ref: KeyRef<F>, labels?: EntryLabels): Reading<ValueOf<F>> {
  const decode = decoderOf(ref.family);
  return labels === undefined ? { ref, decode } : { ref, labels, decode };
}

/** How a reader of the family's own values makes them. */
export function decoderOf<F extends Family>(family: F): Decode<F> {
  // A hot loop reads values of one family, and each costs less than a look into the map.
  if (family === latest.family) return latest.decoder as Decode<F>;
  let decoder = decoders.get(family) as Decode<F> | undefined;
  if (decoder === undefined) decoders.set(family, (decoder = (stored) => decodeValue(family, stored)));
  latest = { family, decoder };
  return decoder;
}

/**
 * The bytes of a family's value, checked against its schema.
 * @throws KeyspaceError `value_shape` when the value is not one of the family's
 */
export function encodeValue<F extends Family>(family: F, value: ValueOf<F>): Stored {
  if (value === undefined) {
    const problem = `family ${family.id}: undefined is no value. A loader that finds nothing answers absent`;
    throw new KeyspaceError('value_shape', problem, { family: family.id });
  }
  try {
    return encoded(family, value);
  } catch (error) {
    if (error instanceof KeyspaceError) {
      const { code, issues } = error;
      throw new KeyspaceError(code, `family ${family.id}: ${error.message}`, { family: family.id, issues });
    }
    // A cycle, a bigint: the schema may not look so deep.
    const problem = `family ${family.id}: the value cannot be written as ${family.value.kind}`;
    throw new KeyspaceError('value_shape', problem, { family: family.id, cause: error });
  }
}

function encoded<F extends Family>(family: F, value: ValueOf<F>): Stored {
  const contract = family.value;
  switch (contract.redisType) {
    case 'string':
      return [contract.encode(value)];
    case 'hash':
      return sortPairs(Object.entries(contract.encode(value)).flatMap(buffers));
    case 'list':
      return contract.encode(value).map((item) => Buffer.from(item));
    case 'zset':
      return sortPairs(contract.encode(value).flatMap(([member, score]) => buffers([member, String(Number(score))])));
    default:
      throw new TypeError(`${family.id} is a stream: it is appended to, not cached`);
  }
}

/** The inverse. @throws KeyspaceError `value_unreadable` */
export function decodeValue<F extends Family>(family: F, stored: Stored): ValueOf<F> {
  const contract = family.value;
  switch (contract.redisType) {
    case 'string':
      return contract.decode(stored[0] as Buffer) as ValueOf<F>;
    case 'hash':
      return contract.decode(Object.fromEntries(pairs(stored))) as ValueOf<F>;
    case 'list':
      return contract.decode(stored.map(String)) as ValueOf<F>;
    case 'zset':
      return contract.decode(pairs(stored)) as ValueOf<F>;
    default:
      throw new TypeError(`${family.id} is a stream: it is appended to, not cached`);
  }
}

function buffers(texts: readonly string[]): Buffer[] {
  return texts.map((text) => Buffer.from(text));
}

function pairs(stored: Stored): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < stored.length; at += 2) found.push([String(stored[at]), String(stored[at + 1])]);
  return found;
}
