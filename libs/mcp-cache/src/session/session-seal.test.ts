import { encode, Keyring } from '@promptsales/cache-core';
import { SessionSeal, type Session } from './session-seal.js';

const ring = (...bytes: number[]) => new Keyring(bytes.map((byte) => Buffer.alloc(32, byte)));
const OWNER = { tenant: 't', keyId: 'k', server: 's' };
const SESSION: Session = {
  id: 'i',
  upstreamId: 'u',
  protocolVersion: '2025-11-25',
  capabilities: 'c',
  told: ['tools'],
};

describe('a sealed session', () => {
  it('opens for its owner, on every process, and after the key was changed for another', () => {
    const token = new SessionSeal(ring(1)).seal(SESSION, OWNER);
    expect(token).toMatch(/^[\x21-\x7e]+$/);
    expect(new SessionSeal(ring(1)).open(token, OWNER)).toEqual(SESSION);
    expect(new SessionSeal(ring(2, 1)).open(token, OWNER)).toEqual(SESSION);
  });

  it.each([{ tenant: 'x' }, { keyId: 'x' }, { server: 'x' }])('does not open for another: %j', (other) => {
    const seal = new SessionSeal(ring(1));
    expect(seal.open(seal.seal(SESSION, OWNER), { ...OWNER, ...other })).toBeNull();
  });

  it('opens also when the server writes much into its own id', () => {
    const seal = new SessionSeal(ring(1));
    const session = { ...SESSION, upstreamId: 'u'.repeat(8000) };
    expect(seal.open(seal.seal(session, OWNER), OWNER)).toEqual(session);
  });

  it('is nothing that somebody can make up', () => {
    const seal = new SessionSeal(ring(1));
    const text = JSON.stringify(['i', 'u', '2025-11-25', 'c', []]);
    for (const made of [
      Buffer.from(text).toString('base64url'),
      encode(Buffer.from(text.padEnd(4000)), { compressAbove: 10 }).toString('base64url'),
      `${seal.seal(SESSION, OWNER).slice(0, -4)}AAAA`,
      'a b',
      '',
      'x'.repeat(100_000),
    ]) {
      expect(seal.open(made, OWNER)).toBeNull();
    }
  });
});
