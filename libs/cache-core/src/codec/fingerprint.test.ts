import { fingerprint } from './fingerprint.js';

describe('fingerprint', () => {
  it('is length and CRC-32 of the bytes, whichever way they are given', () => {
    // The check value of CRC-32 for "123456789" is cbf43926.
    expect(fingerprint('123456789')).toBe(`9-${(0xcbf43926).toString(36)}`);
    expect(fingerprint(Buffer.from('ñandú'))).toBe(fingerprint('ñandú'));
    expect(fingerprint(Buffer.alloc(0))).toBe('0-0');
  });

  it('changes with one bit, and with zeros at the end', () => {
    expect(fingerprint(Buffer.of(1, 2, 3))).not.toBe(fingerprint(Buffer.of(1, 2, 2)));
    expect(fingerprint(Buffer.of(0))).not.toBe(fingerprint(Buffer.of(0, 0)));
  });
});
