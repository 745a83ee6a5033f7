import { readEntry, type IntakeEntry } from './intake-entry.js';

const read = (text: string): IntakeEntry => readEntry({ entry: Buffer.from(text), bytes: Buffer.byteLength(text) });

it('is a request', () => {
  expect(read('{"campana_id": 7, "segmento": {"edad": "18-25"}, "other": 1}')).toEqual({
    kind: 'request',
    request: { campanaId: '7', segmento: { edad: '18-25' } },
  });
});

it.each([
  ['no JSON', 'is no JSON'],
  ['[]', 'must be a JSON object'],
  ['{"campana_id": "c1", "segmento": " "}', 'segmento: must be a text or an object that is not empty'],
  [
    '{"campana_id": "", "segmento": null}',
    'campana_id: must be a text that is not empty, or a whole number; segmento: must be a text or an object that is not empty',
  ],
])('of %s says all that is wrong', (text, reason) => {
  expect(read(text)).toEqual({ kind: 'malformed', reason });
});

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);

it.each([600, 30_000])('trap 12: nested %d levels deep is refused like any other', (levels) => {
  expect(read(`{"campana_id": "c1", "segmento": {"a": ${nested(levels)}}}`)).toEqual({
    kind: 'malformed',
    reason: expect.stringMatching(/^segmento: .*nest/) as string,
  });
});

it('with a number that is not the one that was written is refused: it would be taken for its neighbour', () => {
  expect(read('{"campana_id": "c1", "segmento": {"publico": [9007199254740993]}}')).toEqual({
    kind: 'malformed',
    reason: expect.stringMatching(/^segmento: .*integer/) as string,
  });
});
