import { Type, type Static, type TSchema } from 'typebox';
import { KeyspaceError } from '../keyspace-error.js';
import { SchemaCheck } from './schema-check.js';
import type { StringContract } from './value-contract.js';

/** A string that holds JSON. Fields beyond the schema are kept: other readers may have added them. */
export function json<S extends TSchema>(schema: S): StringContract<Static<S>> {
  const check = new SchemaCheck(schema);
  return {
    redisType: 'string',
    kind: 'json',
    schema,
    encode(value) {
      check.accept(value);
      return Buffer.from(JSON.stringify(value));
    },
    decode: (stored) => check.recognise(parseStored(stored)),
  };
}

/** A string that is the text itself. */
export function text(description: string): StringContract<string> {
  const check = new SchemaCheck(Type.String({ description }));
  return {
    redisType: 'string',
    kind: 'text',
    schema: check.schema,
    encode(value) {
      check.accept(value);
      return Buffer.from(value);
    },
    decode: (stored) => stored.toString(),
  };
}

const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/** A counter for INCRBY, or an amount for INCRBYFLOAT: decimal text. */
export function number(
  schema: ReturnType<typeof Type.Integer> | ReturnType<typeof Type.Number>,
): StringContract<number> {
  const check = new SchemaCheck<TSchema>(schema);
  return {
    redisType: 'string',
    kind: 'number',
    schema,
    encode(value) {
      check.accept(value);
      return Buffer.from(String(value));
    },
    decode(stored) {
      const decimal = stored.toString('latin1');
      if (!DECIMAL.test(decimal)) throw unreadable('it is not a decimal number');
      return check.recognise(Number(decimal)) as number;
    },
  };
}

/** Bytes whose form another module owns. */
export function bytes(description: string): StringContract<Buffer> {
  return {
    redisType: 'string',
    kind: 'bytes',
    schema: Type.String({ description, contentEncoding: 'base64' }),
    encode(value) {
      if (!Buffer.isBuffer(value)) throw new KeyspaceError('value_shape', 'the value must be a Buffer');
      return value;
    },
    decode: (stored) => stored,
  };
}

export function parseStored(stored: Buffer | string): unknown {
  try {
    return JSON.parse(stored.toString());
  } catch (cause) {
    throw unreadable('it is not JSON', cause);
  }
}

export function unreadable(why: string, cause?: unknown): KeyspaceError {
  return new KeyspaceError('value_unreadable', `the stored value cannot be read: ${why}`, { cause });
}
