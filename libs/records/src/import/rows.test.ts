import fc from 'fast-check';
import { LEADS } from '../record/record-kind.js';
import { columnProblems } from './columns.js';
import { CsvHeaderError, CsvRows } from './csv-rows.js';
import { LONGEST_ROW, type ImportRow, type RowReader } from './import-row.js';
import { NdjsonRows } from './ndjson-rows.js';

const csv = (): CsvRows => new CsvRows((names) => columnProblems(LEADS, names));

/** Rows as `[line, fields or reason]`, of a text that comes in pieces of this size. */
function read(reader: RowReader, sent: string | Buffer, pieceBytes = 1 << 20): [number, unknown][] {
  const bytes = Buffer.from(sent);
  const rows: ImportRow[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    // Copied: what a stream gives may be overwritten, and must not be relied on by where it lies.
    rows.push(...reader.push(Buffer.from(bytes.subarray(from, from + pieceBytes))));
  }
  rows.push(...reader.end());
  return rows.map(({ line, content }) => [line, content.fields ?? content.reason]);
}

describe('CSV', () => {
  test('records, with quotes, newlines inside them, empty cells, empty lines, CRLF and a mark in front', () => {
    const sent = '\uFEFFempresa,contacto,nota\r\n"Peña, S.A.",Ana,"dijo ""no""\r\ny luego sí"\r\n\r\nB,,\r\nC,,x';
    expect(read(csv(), sent)).toEqual([
      [2, { empresa: 'Peña, S.A.', contacto: 'Ana', nota: 'dijo "no"\r\ny luego sí' }],
      [5, { empresa: 'B' }],
      [6, { empresa: 'C', nota: 'x' }],
    ]);
    expect(read(csv(), 'empresa;nota\nA;"x;y"\n')).toEqual([[2, { empresa: 'A', nota: 'x;y' }]]);
  });

  test('a broken row costs itself, and is told with its line', () => {
    const sent = Buffer.concat([
      Buffer.from('empresa,nota\nA,1\nB,1,2\nC\n"D"x,1\nE"e,"1\n'),
      Buffer.from([0x46, 0xe9, 0x2c, 0x31, 0x0a]),
      Buffer.from(`G,${'x'.repeat(LONGEST_ROW)}\nH,1\n`),
    ]);
    expect(read(csv(), sent)).toEqual([
      [2, { empresa: 'A', nota: '1' }],
      [3, 'has 3 columns, and the first line has 2'],
      [4, 'has 1 columns, and the first line has 2'],
      [5, expect.stringContaining('quote')],
      [6, expect.stringContaining('quote')],
      [7, 'is not UTF-8'],
      [8, 'is longer than 64 KiB'],
      [9, { empresa: 'H', nota: '1' }],
    ]);
  });

  test('a quote that is never closed costs one line, wherever it stands', () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => (at === 5 || at === 19_990 ? `"A${at},x` : `A${at},x`));
    const result = read(csv(), `empresa,nota\n${rows.join('\n')}\n`);
    const refused = result.filter(([, content]) => typeof content === 'string');
    expect(result).toHaveLength(20_000);
    expect(refused).toEqual([
      [7, 'a quote is opened and not closed'],
      [19_992, 'a quote is opened and not closed'],
    ]);
    expect(result.map(([line]) => line)).toEqual(rows.map((_, at) => at + 2));
  });

  test('a quote that opens no field costs its line, and never the good ones up to the next such quote', () => {
    const sent = [
      'empresa,nota',
      'A,1',
      'Monitor 24" ancho,2',
      'B,3',
      'C,"24" ancho"',
      'D,4',
      '"E,5',
      'F,6',
      '"24" G",7',
      'H,8',
    ];
    expect(read(csv(), sent.join('\n'))).toEqual([
      [2, { empresa: 'A', nota: '1' }],
      [3, expect.stringContaining('inside a field')],
      [4, { empresa: 'B', nota: '3' }],
      [5, expect.stringContaining('inside a field')],
      [6, { empresa: 'D', nota: '4' }],
      [7, 'a quote is opened and not closed'],
      [8, { empresa: 'F', nota: '6' }],
      [9, expect.stringContaining('inside a field')],
      [10, { empresa: 'H', nota: '8' }],
    ]);
  });

  test('trap 12: lines of nothing but returns are read in no more time than others', () => {
    // Some seconds each, where every return is tried as the first of those at the end.
    expect(read(csv(), `empresa\n${`${'\r'.repeat(LONGEST_ROW - 1)}x\n`.repeat(50)}`)).toHaveLength(50);
  });

  test.each([
    ['', 'there is none'],
    ['nota\nx\n', 'there is no column empresa'],
    ['empresa,version\n', 'set by the platform'],
    ['empresa,empresa\n', 'the name of another'],
    ['empresa,a b,__proto__\n', 'no name of a field'],
    ['"empresa\n', 'quote'],
    [`empresa${'x'.repeat(LONGEST_ROW)}\n`, '64 KiB'],
    ['empresa\tcontacto\n', 'not by tabs'],
    ['PK\u0003\u0004', 'no column empresa'],
  ])('columns that cannot be: %j', (sent, problem) => {
    let refused: unknown;
    try {
      read(csv(), sent);
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(CsvHeaderError);
    expect((refused as CsvHeaderError).message).toContain(problem);
  });

  test('UTF-16 is told before anything is read', () => {
    expect(() => read(csv(), Buffer.from('\uFEFFempresa\nA\n', 'utf16le'))).toThrow(CsvHeaderError);
  });

  test('what was written is read, wherever the stream is cut', () => {
    const cell = fc.string({
      unit: fc.constantFrom('a', 'ñ', '"', ',', '\n', '\r\n', ' ', '😀'),
      minLength: 1,
      maxLength: 12,
    });
    const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 12 }), fc.integer({ min: 1, max: 40 }), (rows, cut) => {
        const text = `empresa,nota\n${rows.map((cells) => cells.map(quoted).join(',')).join('\r\n')}`;
        expect(read(csv(), text, cut).map(([, fields]) => fields)).toEqual(
          rows.map(([empresa, nota]) => ({ empresa, nota })),
        );
      }),
    );
  });

  test('whatever is sent, rows come in the order of their lines, and the same wherever the stream is cut', () => {
    const noise = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', 'ñ', ';'), maxLength: 200 });
    fc.assert(
      fc.property(noise, fc.integer({ min: 1, max: 20 }), (text, cut) => {
        const sent = `empresa,nota\n${text}`;
        const whole = read(csv(), sent);
        expect(read(csv(), sent, cut)).toEqual(whole);
        const lines = whole.map(([line]) => line);
        expect(lines).toEqual(lines.toSorted((a, b) => a - b));
      }),
      { numRuns: 500 },
    );
  });
});

describe('NDJSON', () => {
  test('an object on each line; anything else is told with its line', () => {
    const sent = Buffer.concat([
      Buffer.from('\uFEFF{"empresa":"A"}\r\n\n[1]\n{"empresa":\nnull\n'),
      Buffer.from([0x22, 0xff, 0x22, 0x0a]),
      Buffer.from(`{"empresa":"${'x'.repeat(LONGEST_ROW)}"}\n{"empresa":"B"}`),
    ]);
    for (const cut of [1 << 20, 7]) {
      expect(read(new NdjsonRows(), sent, cut)).toEqual([
        [1, { empresa: 'A' }],
        [3, 'is not a JSON object'],
        [4, 'is not JSON'],
        [5, 'is not a JSON object'],
        [6, 'is not UTF-8'],
        [7, 'is longer than 64 KiB'],
        [8, { empresa: 'B' }],
      ]);
    }
  });
});
