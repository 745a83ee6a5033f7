import { encodeValue, keyspace } from '@promptsales/cache-core';
import fc from 'fast-check';
import { jsonOfValue, valueOfJson } from './json-values.js';

describe('values as JSON', () => {
  it('trap 5: come back as they were sent, whatever they are', () => {
    // What a double does not tell from its neighbours is refused, which the last test is about.
    const values = fc.jsonValue().filter((value) => !/\d{16}/.test(JSON.stringify(value)));
    fc.assert(
      fc.property(values, (value) => {
        const text = JSON.stringify(value);
        expect(jsonOfValue(keyspace.appValue, valueOfJson(keyspace.appValue, text))).toBe(text);
      }),
    );
  });

  it('of sorted sets are members with their scores, also where a member is named as a property of objects is', () => {
    const family = keyspace.leaderboardContent;
    const text = '{"__proto__":1,"constructor":2.5,"":-0.125}';
    const value = valueOfJson(family, text) as ReadonlyMap<string, number>;
    expect([...value]).toEqual([
      ['__proto__', 1],
      ['constructor', 2.5],
      ['', -0.125],
    ]);
    expect(jsonOfValue(family, value)).toBe(text);
    expect(encodeValue(family, value)).toHaveLength(6);
    for (const wrong of ['[]', '1', 'null', '{"a":null}', '{"a":"1"}']) {
      expect(() => valueOfJson(family, wrong)).toThrow(expect.objectContaining({ code: 'value_shape' }));
    }
  });

  it('that would not come back as they were sent are refused', () => {
    for (const text of ['9007199254740993', '[1e400]', '{"a":1,"a":1}', String.raw`"\udc00"`]) {
      expect(() => valueOfJson(keyspace.appValue, text)).toThrow(expect.objectContaining({ code: 'value_shape' }));
    }
  });
});
