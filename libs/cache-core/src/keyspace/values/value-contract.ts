/**
 * How a family's value looks in Redis and in the program.
 *
 * `encode` checks the value against its schema and gives what the Redis type takes; `decode` is its inverse and refuses,
 * with code `value_unreadable`, whatever is no value of the family. Field names are those that the readers of the key
 * already use. Compression and encryption lie outside, in the codec: they see only the bytes.
 */
import type { TSchema } from 'typebox';

export type RedisType = 'string' | 'hash' | 'list' | 'zset' | 'stream';

interface ContractBase {
  /** JSON Schema of the value as the program and the HTTP routes see it. */
  readonly schema: TSchema;
}

export interface StringContract<T> extends ContractBase {
  readonly redisType: 'string';
  readonly kind: 'json' | 'text' | 'number' | 'vector' | 'bytes';
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
}

export interface HashContract<T> extends ContractBase {
  readonly redisType: 'hash';
  readonly kind: 'hash';
  /** How each field is written, for the reference page. */
  readonly fields: Readonly<Record<string, FieldNote>>;
  encode(value: T): Readonly<Record<string, string>>;
  /** Fields that the family does not declare are ignored. */
  decode(fields: Readonly<Record<string, string>>): T;
}

export interface FieldNote {
  readonly form: string;
  readonly optional: boolean;
}

export interface ListContract<T> extends ContractBase {
  readonly redisType: 'list';
  readonly kind: 'list';
  encode(items: T): readonly string[];
  decode(items: readonly string[]): T;
}

export interface SortedSetContract<T> extends ContractBase {
  readonly redisType: 'zset';
  readonly kind: 'zset';
  encode(scores: T): ReadonlyArray<readonly [member: string, score: string]>;
  decode(pairs: ReadonlyArray<readonly [member: string, score: string]>): T;
}

export interface StreamContract<T> extends ContractBase {
  readonly redisType: 'stream';
  readonly kind: 'stream';
  /** One entry's fields. */
  encode(entry: T): Readonly<Record<string, Buffer>>;
  decode(fields: Readonly<Record<string, Buffer>>): T;
}

export type ValueContract<T = unknown> =
  StringContract<T> | HashContract<T> | ListContract<T> | SortedSetContract<T> | StreamContract<T>;

export type ValueKind = ValueContract['kind'];

/** The type of the values that a contract carries. */
export type ValueIn<C> = C extends { decode(stored: never): infer T } ? T : never;
