import * as fc from 'fast-check';
import { decodeSegmentText, encodeSegmentText, isAbbreviated, LONGEST_SEGMENT_BYTES } from './segment-text.js';

/** Any sequence of UTF-16 units, lone surrogates and control characters included. */
const anyString = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 0xffff }),
      fc.integer({ min: 0, max: 0x7f }),
      fc.integer({ min: 0xd800, max: 0xdfff }),
    ),
    {
      maxLength: 30,
    },
  )
  .map((units) => String.fromCharCode(...units));

describe('trap 12: hostile segments', () => {
  it.each([
    [':', '%3A'],
    ['a:b', 'a%3Ab'],
    ['*', '%2A'],
    ['?[]{}\\', '%3F%5B%5D%7B%7D%5C'],
    ['%', '%25'],
    ['%3A', '%253A'],
    ['..', '..'],
    ['../../etc/passwd', '../../etc/passwd'],
    ['\0', '%00'],
    ['', ''],
    [' \t\r\n', '%20%09%0D%0A'],
    ['\u00a0', '%C2%A0'],
    ['\u2028', '%E2%80%A8'],
    ['\u3000', '%E3%80%80'],
    ['\ufeff', '%EF%BB%BF'],
    ['\u0085', '%C2%85'],
    ['\ud800', '%ED%A0%80'],
    ['a\udfff', 'a%ED%BF%BF'],
    ['😀', '😀'],
    ['Peña', 'Peña'],
    ['__proto__', '__proto__'],
    ['gpt-4o-mini', 'gpt-4o-mini'],
  ])('writes %j as %s, and back', (text, encoded) => {
    expect(encodeSegmentText(text)).toBe(encoded);
    expect(decodeSegmentText(encoded)).toBe(text);
  });

  it('gives back every string, and so never one text for two', () => {
    fc.assert(
      fc.property(anyString, (text) => {
        expect(decodeSegmentText(encodeSegmentText(text))).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  it('never writes what could be read as a separator, a glob, a brace, white space or half a character', () => {
    fc.assert(
      fc.property(anyString, (text) => {
        const encoded = encodeSegmentText(text);
        expect(encoded).not.toMatch(/[:*?[\]{}\\\s\p{Cc}\p{Cs}]/u);
        expect(encoded.replaceAll(/%[0-9A-F]{2}/g, '')).not.toContain('%');
        expect(Buffer.from(encoded).toString()).toBe(encoded);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads only what it would write itself', () => {
    for (const foreign of [
      '%3a',
      '%41',
      'a b',
      '%',
      '%4',
      '%zz',
      '%C3',
      '%C3%B1',
      '%ED%A0%BD%ED%B8%80',
      '%FF',
      '%C0%BA',
      '%~',
      'x:y',
    ]) {
      expect(decodeSegmentText(foreign)).toBeUndefined();
    }
    fc.assert(
      fc.property(fc.stringMatching(/^[%0-9A-Fa-f~ñ:]{0,12}$/), (foreign) => {
        const text = decodeSegmentText(foreign);
        if (text !== undefined) expect(encodeSegmentText(text)).toBe(foreign);
      }),
      { numRuns: 5000 },
    );
  });

  it('bounds what is too long, and keeps it apart from everything else', () => {
    const long = (text: string) => encodeSegmentText(text.repeat(10_000));
    const texts = [long('a'), long('b'), long(':'), long('\ud800'), long('ñ'), encodeSegmentText('a'.repeat(10_001))];
    for (const encoded of texts) {
      expect(encoded).toMatch(/^%~[0-9a-f]{64}$/);
      expect(isAbbreviated(encoded)).toBe(true);
      expect(decodeSegmentText(encoded)).toBeUndefined();
      // The abbreviation given as an input is a text like any other.
      expect(encodeSegmentText(encoded)).toBe(encoded.replace('%', '%25'));
    }
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('abbreviates from one byte past the bound, counted after escaping', () => {
    expect(isAbbreviated(encodeSegmentText('a'.repeat(LONGEST_SEGMENT_BYTES)))).toBe(false);
    expect(isAbbreviated(encodeSegmentText('a'.repeat(LONGEST_SEGMENT_BYTES + 1)))).toBe(true);
    expect(isAbbreviated(encodeSegmentText(':'.repeat(LONGEST_SEGMENT_BYTES / 3 + 1)))).toBe(true);
    expect(isAbbreviated(encodeSegmentText('ñ'.repeat(LONGEST_SEGMENT_BYTES / 2)))).toBe(false);
    expect(isAbbreviated(encodeSegmentText('ñ'.repeat(LONGEST_SEGMENT_BYTES / 2 + 1)))).toBe(true);
  });
});
