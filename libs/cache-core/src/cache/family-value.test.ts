import { keyspace } from '../keyspace/keyspace.js';
import { encodeValue } from './family-value.js';

describe('a value that is none of its family’s is refused by name', () => {
  test('undefined, with what to answer instead', () => {
    expect(() => encodeValue(keyspace.appValue, undefined)).toThrow(/app\.value.*absent/);
  });

  test('another shape, with the place', () => {
    expect(() => encodeValue(keyspace.lead, 5 as never)).toThrow(
      expect.objectContaining({
        code: 'value_shape',
        family: 'lead',
        issues: [{ path: '', message: 'must be object' }],
      }),
    );
  });

  test('what JSON cannot say', () => {
    expect(() => encodeValue(keyspace.appValue, 1n)).toThrow(/app\.value.*json/);
  });
});
