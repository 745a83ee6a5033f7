import { Type, type Static, type TSchema } from 'typebox';
import { KeyspaceError } from '../keyspace-error.js';
import { SchemaCheck } from './schema-check.js';
import { parseStored, unreadable } from './string-values.js';
import type { ListContract, SortedSetContract, StreamContract } from './value-contract.js';

/** A list whose items are JSON texts, in order. */
export function list<S extends TSchema>(item: S): ListContract<ReadonlyArray<Static<S>>> {
  const check = new SchemaCheck(Type.Array(item));
  return {
    redisType: 'list',
    kind: 'list',
    schema: check.schema,
    encode(items) {
      check.accept(items);
      return items.map((one) => JSON.stringify(one));
    },
    decode: (items) => check.recognise(items.map((one) => parseStored(one))),
  };
}

/** A sorted set: members with their scores. */
export function sortedSet(members: string): SortedSetContract<ReadonlyMap<string, number>> {
  return {
    redisType: 'zset',
    kind: 'zset',
    schema: Type.Record(Type.String(), Type.Number(), { description: `${members} → score` }),
    encode(scores) {
      return [...scores].map(([member, score]) => {
        if (!Number.isFinite(score)) {
          throw new KeyspaceError('value_shape', 'a score must be a finite number', {
            issues: [{ path: `/${member}`, message: 'must be a finite number' }],
          });
        }
        return [member, String(score)] as const;
      });
    },
    decode(pairs) {
      const scores = new Map<string, number>();
      for (const [member, stored] of pairs) {
        const score = Number(stored);
        if (stored === '' || !Number.isFinite(score)) throw unreadable('a score is no finite number');
        scores.set(member, score);
      }
      return scores;
    },
  };
}

/** A Redis stream whose entries have these fields, each plain bytes. */
export function stream<const N extends string>(...names: N[]): StreamContract<Readonly<Record<N, Buffer>>> {
  return {
    redisType: 'stream',
    kind: 'stream',
    schema: Type.Object(Object.fromEntries(names.map((name) => [name, Type.String({ contentEncoding: 'base64' })])), {
      additionalProperties: false,
    }),
    encode: (entry) => entry,
    decode(fields) {
      const missing = names.find((name) => fields[name] === undefined);
      if (missing !== undefined) throw unreadable(`an entry lacks ${missing}`);
      return fields;
    },
  };
}
