/**
 * A Redis hash. Its fields are strings there, so each declared field says how it is written: as text, as a decimal number,
 * as `true`/`false`, or as JSON text.
 */
import { Type, type Static, type TSchema } from 'typebox';
import { KeyspaceError } from '../keyspace-error.js';
import { SchemaCheck } from './schema-check.js';
import { parseStored, unreadable } from './string-values.js';
import type { FieldNote, HashContract } from './value-contract.js';

export interface HashField<T, O extends boolean = boolean> {
  readonly form: string;
  readonly schema: TSchema;
  readonly optional: O;
  write(value: T): string;
  read(stored: string): T;
}

type Required<T> = HashField<T, false>;

const field = <T>(
  form: string,
  schema: TSchema,
  write: (value: T) => string,
  read: (stored: string) => T,
): Required<T> => ({
  form,
  schema,
  optional: false,
  write,
  read,
});

const DECIMAL = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const readDecimal = (stored: string): number => {
  if (!DECIMAL.test(stored)) throw unreadable('a numeric field holds no decimal number');
  return Number(stored);
};

export const textField = (schema: TSchema = Type.String()): Required<string> => field('text', schema, String, String);
export const numberField = (): Required<number> => field('decimal number', Type.Number(), String, readDecimal);
export const integerField = (): Required<number> => field('whole number', Type.Integer(), String, readDecimal);

/** Text out of a closed list. */
export function choiceField<const T extends string>(...choices: T[]): Required<T> {
  return field<T>(
    choices.join(' | '),
    Type.Union(choices.map((choice) => Type.Literal(choice))),
    String,
    (stored) => stored as T,
  );
}

const TRUE = new Set(['true', 'True', '1']);
const FALSE = new Set(['false', 'False', '0']);

/** Written `true` or `false`. Readers in other languages write `True` or `1`, which is understood. */
export const booleanField = (): Required<boolean> =>
  field('true | false', Type.Boolean(), String, (stored) => {
    if (!TRUE.has(stored) && !FALSE.has(stored)) throw unreadable('a boolean field holds neither true nor false');
    return TRUE.has(stored);
  });

export const jsonField = <S extends TSchema>(schema: S): Required<Static<S>> =>
  field<Static<S>>(
    'JSON text',
    schema,
    (value) => JSON.stringify(value),
    (stored) => parseStored(stored) as Static<S>,
  );

export const optional = <T>(declared: Required<T>): HashField<T, true> => ({ ...declared, optional: true });

type FieldValue<F> = F extends { read(stored: string): infer T } ? T : never;
type Fields = Readonly<Record<string, HashField<unknown>>>;

export type HashOf<F extends Fields> = {
  readonly [N in keyof F as F[N]['optional'] extends true ? never : N]: FieldValue<F[N]>;
} & { readonly [N in keyof F as F[N]['optional'] extends true ? N : never]?: FieldValue<F[N]> };

export function hash<const F extends Fields>(fields: F): HashContract<HashOf<F>> {
  const declared = new Map<string, HashField<unknown>>(Object.entries(fields));
  const check = new SchemaCheck(
    Type.Object(
      Object.fromEntries(
        [...declared].map(([name, one]) => [name, one.optional ? Type.Optional(one.schema) : one.schema]),
      ),
      // A field that nobody declared would have no form in Redis.
      { additionalProperties: false },
    ),
  );
  const fieldNotes = Object.fromEntries(
    [...declared].map(([name, one]): [string, FieldNote] => [name, { form: one.form, optional: one.optional }]),
  );
  return {
    redisType: 'hash',
    kind: 'hash',
    schema: check.schema,
    fields: fieldNotes,
    encode(value) {
      check.accept(value);
      const written: Record<string, string> = {};
      for (const [name, content] of Object.entries(value)) {
        const one = declared.get(name);
        if (one !== undefined && content !== undefined) written[name] = one.write(content);
      }
      if (Object.keys(written).length === 0) {
        throw new KeyspaceError('value_shape', 'a hash without any field cannot be stored');
      }
      return written;
    },
    decode(stored) {
      const value: Record<string, unknown> = {};
      for (const [name, one] of declared) {
        const content = Object.hasOwn(stored, name) ? stored[name] : undefined;
        if (content !== undefined) value[name] = one.read(content);
      }
      return check.recognise(value) as HashOf<F>;
    },
  };
}
