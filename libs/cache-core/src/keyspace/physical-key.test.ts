import calculateSlot from 'cluster-key-slot';
import * as fc from 'fast-check';
import { companions } from './companion.js';
import { keyspace, parseKey } from './keyspace.js';
import { checkKeyPrefix, colocate, companionSubject, logicalKey, physicalKey } from './physical-key.js';

const keyText = fc.oneof(
  fc.string({ maxLength: 20 }),
  fc.string({ unit: fc.constantFrom('{', '}', 'a', ':', '~', '1'), maxLength: 12 }),
);

describe('colocate', () => {
  it('wraps a key without a hash tag, and keeps the tag of one that has it', () => {
    expect(colocate('llm_cache:7f', 'meta')).toBe('meta:{llm_cache:7f}');
    expect(colocate('{app}:llm_cache:7f', 'meta')).toBe('meta::{app}:llm_cache:7f');
    expect(colocate('p:llm_cache:7f', 'meta', 'p:')).toBe('p:meta:{p:llm_cache:7f}');
    expect(colocate('{app}:x', 'meta', '{app}:')).toBe('{app}:meta::{app}:x');
  });

  it('puts every key and its companion into one slot, whatever its braces', () => {
    fc.assert(
      fc.property(keyText, (key) => {
        expect(calculateSlot(colocate(key, 'meta'))).toBe(calculateSlot(key));
      }),
      { numRuns: 1000 },
    );
  });

  it('works with any admissible KEY_PREFIX in front of both', () => {
    const prefix = fc.constantFrom('', 'app:', 'a.b/', '{app}:', 'x{app}y:');
    fc.assert(
      fc.property(prefix, keyText, (front, key) => {
        checkKeyPrefix(front);
        const companion = colocate(front + key, 'lease', front);
        expect(companion.startsWith(`${front}lease:`)).toBe(true);
        expect(calculateSlot(companion)).toBe(calculateSlot(front + key));
        expect(companionSubject(companion, 'lease', front)).toBe(front + key);
      }),
      { numRuns: 500 },
    );
  });

  it('never gives two keys one companion', () => {
    fc.assert(
      fc.property(keyText, keyText, (left, right) => {
        fc.pre(left !== right);
        expect(colocate(left, 'meta')).not.toBe(colocate(right, 'meta'));
      }),
      { numRuns: 1000 },
    );
    expect(colocate('{x}', 'meta')).not.toBe(colocate('x', 'meta'));
  });

  it('can be undone, and refuses to undo what it did not do', () => {
    fc.assert(
      fc.property(keyText, (key) => {
        expect(companionSubject(colocate(key, 'meta'), 'meta')).toBe(key);
      }),
      { numRuns: 500 },
    );
    for (const foreign of ['meta:x', 'meta:{x', 'meta::x', 'lease:{x}', 'meta:~{1}x', '']) {
      expect(companionSubject(foreign, 'meta')).toBeUndefined();
    }
  });
});

describe('KEY_PREFIX', () => {
  it('goes in front of the logical key and comes off again', () => {
    expect(physicalKey('app:', 'session:1')).toBe('app:session:1');
    expect(logicalKey('app:', 'app:session:1')).toBe('session:1');
    expect(logicalKey('app:', 'other:session:1')).toBeUndefined();
  });

  it('trap 3: knows the keys of a neighbour for none of ours, whose prefix begins like ours or who has none', () => {
    const ours = (prefix: string, key: string) => {
      const logical = logicalKey(prefix, key);
      return logical === undefined ? null : parseKey(logical);
    };
    expect(ours('app:', 'app:session:1')?.family.id).toBe('session');
    expect(ours('app:', 'app2:session:1')).toBeNull();
    expect(ours('app', 'app2:session:1')).toBeNull();
    expect(ours('app:', 'session:1')).toBeNull();
    expect(ours('', 'app:sub:session:1')).toBeNull();
    expect(ours('', 'undefined:session:1')).toBeNull();
  });

  it.each(['{', '}', '{}', 'a{b', '{a}{b}', 'x}y{'])('refuses the prefix %j', (prefix) => {
    expect(() => checkKeyPrefix(prefix)).toThrow(expect.objectContaining({ code: 'key_prefix' }));
  });

  it('has a companion for each key of a family', () => {
    const ref = keyspace.session.at({ user_id: 'a{b}c' }, 'acme');
    const companion = companions.sidecar.beside(ref, 'p:');
    expect(companion).toBe('p:meta:{p:tenant:acme:session:a%7Bb%7Dc}');
    expect(companions.sidecar.subjectOf(companion, 'p:')).toBe('p:tenant:acme:session:a%7Bb%7Dc');
    expect(companions.frames.subjectOf(companion, 'p:')).toBeUndefined();
  });
});
