import fc from 'fast-check';
import { checkFields, uuidOf } from './record-fields.js';
import { LEADS, OPORTUNIDADES } from './record-kind.js';

const pathsOf = (given: Record<string, unknown>, kind = LEADS): string[] =>
  (checkFields(kind, given).faults ?? []).map(({ path }) => path);

test('known fields have a shape, and what is left out is what the kind says', () => {
  expect(checkFields(LEADS, { empresa: 'A', contacto: null, zona: 'sur', nada: null })).toEqual({
    fields: { id: null, known: { empresa: 'A', contacto: null, estado: 'nuevo' }, own: { zona: 'sur' } },
    faults: null,
  });
  expect(pathsOf({ contacto: {}, estado: '' })).toEqual(['empresa', 'contacto', 'estado']);
  expect(pathsOf({ lead_id: 'x' }, OPORTUNIDADES)).toEqual(['lead_id']);
});

test('an id is a UUID, in whichever case', () => {
  const id = 'ABCDEF01-2345-6789-abcd-ef0123456789';
  expect(checkFields(LEADS, { id, empresa: 'A' }).fields?.id).toBe(id.toLowerCase());
  for (const none of ['', 'x', `${id} `, `${id}\n`, `{${id}}`, id.replaceAll('-', '')]) expect(uuidOf(none)).toBeNull();
});

test('too much is refused: fields, bytes, depth', () => {
  const many = Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`f${at}`, 1]));
  expect(pathsOf({ empresa: 'A', ...many })).toContain('');
  expect(pathsOf({ empresa: 'A', nota: 'ñ'.repeat(17_000) })).toEqual(['']);
  const deep = JSON.parse('['.repeat(20_000) + ']'.repeat(20_000)) as unknown;
  expect(pathsOf({ empresa: 'A', deep })).toEqual(['deep']);
});

test('a number that a double cannot hold is refused, also in depth, and never rounded', () => {
  const parsed = JSON.parse(
    '{"empresa":"A","cuenta":12345678901234567890,"filas":[{"n":1e400}],"monto":1500.5,"mayor":9007199254740991,"cero":-0}',
  ) as Record<string, unknown>;
  expect(pathsOf(parsed)).toEqual(['cuenta', 'filas']);
});

test('trap 12: whatever is sent is refused with its place, or kept as it is and harmless', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ noUnicodeString: false })), (given) => {
      const { fields, faults } = checkFields(LEADS, { empresa: 'A', ...given });
      if (faults !== null) {
        for (const { path, message } of faults) expect(`${path}${message}`.isWellFormed()).toBe(true);
        return;
      }
      const text = JSON.stringify(fields.own);
      expect(text).not.toMatch(/(?<!\\)(\\\\)*\\u(0000|d[89a-f])/);
      for (const [name, value] of Object.entries(fields.own)) expect(value).toEqual(given[name]);
      expect(Object.getPrototypeOf(fields.own)).toBe(Object.prototype);
    }),
    { numRuns: 500 },
  );
});
