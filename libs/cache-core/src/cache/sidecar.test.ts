import { assert, json, oneof, property, string, uint8Array } from 'fast-check';
import { decodeSidecar, encodeSidecar } from './sidecar.js';

const sidecar = {
  tenant: 'acme',
  storedAtMs: 1_800_000_000_000,
  freshUntilMs: 1_800_000_300_000,
  expiresAtMs: 1_800_000_600_000,
  loadCostMs: 812,
  fingerprints: ['3e8:9a0b1c2d', ''],
  note: '120,80',
  versions: ['family:llm.response', 'Hq1-xA9', 'tag:x', 'b_7.1800000000000'],
};

describe('the sidecar', () => {
  test('version 2 has these bytes for ever', () => {
    const golden =
      '[2,"acme",1800000000000,1800000300000,1800000600000,812,["3e8:9a0b1c2d",""],"120,80",' +
      '["family:llm.response","Hq1-xA9","tag:x","b_7.1800000000000"]]';
    expect(encodeSidecar(sidecar)).toBe(golden);
    expect(decodeSidecar(Buffer.from(golden))).toEqual(sidecar);
  });

  test('version 1 is known as what it is: under no version, and fresh until its end', () => {
    const golden = '[1,"acme",1800000000000,1800000600000,812,["3e8:9a0b1c2d",""],"120,80"]';
    expect(decodeSidecar(Buffer.from(golden))).toEqual({
      ...sidecar,
      freshUntilMs: sidecar.expiresAtMs,
      versions: null,
    });
  });

  test('round-trips any tenant and note', () => {
    const wellFormed = string({ unit: 'grapheme', maxLength: 100 });
    assert(
      property(wellFormed, wellFormed, (tenant, note) => {
        const one = { ...sidecar, tenant, note };
        expect(decodeSidecar(Buffer.from(encodeSidecar(one)))).toEqual(one);
      }),
    );
  });

  test('trap 10: anything else is no sidecar, and never an exception', () => {
    assert(
      property(
        oneof(
          uint8Array(),
          json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(decodeSidecar(Buffer.from(bytes))).toBeNull();
        },
      ),
    );
    for (const text of [
      '[3,"t",1,1,1,1,[],"",[]]',
      '[2,"t",1,1,1,[],""]',
      '[2,"t",1,1,1,1,[],"",["odd"]]',
      '[2,"t",1,1,1,1,[],"",null]',
      '[1,"t",1,1,1,[],"",[]]',
      '[1,"t",1,1,1,[1],""]',
      '[1,"t",1,1,1,[]]',
      '[1,null,1,1,1,[],""]',
      '{}',
    ]) {
      expect(decodeSidecar(Buffer.from(text))).toBeNull();
    }
  });

  test('refuses a note that is too long', () => {
    expect(() => encodeSidecar({ ...sidecar, note: 'x'.repeat(257) })).toThrow(RangeError);
  });
});
