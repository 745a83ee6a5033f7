import * as fc from 'fast-check';
import { keyspace } from '../keyspace.js';
import { PACKED_VECTOR_TAG } from './vector-value.js';

const unreadable = expect.objectContaining({ code: 'value_unreadable' });
const misshapen = expect.objectContaining({ code: 'value_shape' });

describe('hashes', () => {
  const content = {
    campana_id: 'c1',
    cliente_id: 'k1',
    descripcion: 'Una taza',
    hashtags: ['#taza', '#té'],
    formato: 'png',
    aprobado: false,
    created_at: '2026-11-21T09:00:00Z',
  };

  it('write each field as its readers expect it, and read it back', () => {
    const stored = keyspace.contentById.value.encode(content);
    expect(stored).toEqual({ ...content, hashtags: '["#taza","#té"]', aprobado: 'false' });
    expect(keyspace.contentById.value.decode(stored)).toEqual(content);
  });

  it('trap 5: keep 0, false, the empty string and an empty list', () => {
    const { value } = keyspace.contentById;
    const empty = { ...content, aprobado: false, descripcion: '', hashtags: [] };
    expect(value.decode(value.encode(empty))).toEqual(empty);
    expect(keyspace.metricsHour.value.decode(keyspace.metricsHour.value.encode({ requests: 0 }))).toEqual({
      requests: 0,
    });
    const tool = { result: null, timestamp: 't' };
    expect(keyspace.mcpTool.value.decode(keyspace.mcpTool.value.encode(tool))).toEqual(tool);
  });

  it('understand booleans of other languages, and ignore fields of others', () => {
    const stored = { ...keyspace.contentById.value.encode(content), aprobado: 'True', otro: 'x' };
    expect(keyspace.contentById.value.decode(stored)).toEqual({ ...content, aprobado: true });
  });

  it('refuse to write what has no form', () => {
    const refuses = (value: unknown) => {
      expect(() => keyspace.metricsHour.value.encode(value as never)).toThrow(misshapen);
    };
    refuses({});
    refuses({ requests: 1.5 });
    refuses({ requests: Number.NaN });
    refuses({ requests: '1' });
    refuses({ unknown: 1 });
    refuses(JSON.parse('{"__proto__":1}'));
    refuses(null);
    refuses([]);
  });

  it('trap 10: what is no value of the family is a coded error', () => {
    const reads = (fields: Record<string, string>) => () => keyspace.contentById.value.decode(fields);
    const stored = keyspace.contentById.value.encode(content);
    expect(reads({})).toThrow(unreadable);
    expect(reads({ ...stored, hashtags: '[' })).toThrow(unreadable);
    expect(reads({ ...stored, hashtags: '{}' })).toThrow(unreadable);
    expect(reads({ ...stored, aprobado: 'maybe' })).toThrow(unreadable);
    for (const requests of ['', ' 1', '0x10', 'NaN', 'Infinity', '1.5', '1,5']) {
      expect(() => keyspace.metricsHour.value.decode({ requests })).toThrow(unreadable);
    }
    expect(() => keyspace.circuitBreaker.value.decode({ status: 'ajar', failures: '1' })).toThrow(unreadable);
  });
});

describe('JSON strings', () => {
  it('trap 5: keep 0, null, false and the empty string apart from nothing', () => {
    const { value } = keyspace.appValue;
    for (const kept of [0, null, false, '', [], {}]) expect(value.decode(value.encode(kept))).toEqual(kept);
    expect(value.encode('').toString()).toBe('""');
  });

  it('keep fields that nobody declared', () => {
    const { value } = keyspace.userPrefs;
    const prefs = { theme: 'dark', favourite: [1, 2] };
    expect(value.decode(value.encode(prefs))).toEqual(prefs);
  });

  it('trap 10: an older schema, another type or half a value is a coded error with its place', () => {
    const { value } = keyspace.aiGeneration;
    expect(() => value.decode(Buffer.from('{"content":'))).toThrow(unreadable);
    expect(() => value.decode(Buffer.alloc(0))).toThrow(unreadable);
    expect(() => value.decode(Buffer.from('[]'))).toThrow(unreadable);
    expect(() => value.decode(Buffer.from('{"content":"x","tokens":1}'))).toThrow(unreadable);
    expect(() => value.encode({ content: 1 } as never)).toThrow(
      expect.objectContaining({
        code: 'value_shape',
        issues: expect.arrayContaining([expect.objectContaining({ path: '/content' })]),
      }),
    );
  });
});

describe('counters', () => {
  it('are decimal text', () => {
    expect(keyspace.ratelimitIp.value.encode(42).toString()).toBe('42');
    expect(keyspace.revenue.value.decode(Buffer.from('12.50'))).toBe(12.5);
    expect(keyspace.revenue.value.decode(keyspace.revenue.value.encode(-0.25))).toBe(-0.25);
    expect(keyspace.ratelimitIp.value.decode(Buffer.from('0'))).toBe(0);
  });

  it('refuse what is none', () => {
    for (const stored of ['', 'x', '1.5', '-1', '1e400', ' 1']) {
      expect(() => keyspace.ratelimitIp.value.decode(Buffer.from(stored))).toThrow(unreadable);
    }
    expect(() => keyspace.ratelimitIp.value.encode(-1)).toThrow(misshapen);
    expect(() => keyspace.revenue.value.encode(Number.POSITIVE_INFINITY)).toThrow(misshapen);
  });
});

describe('lists and sorted sets', () => {
  it('keep order and scores', () => {
    const messages = [
      { numero: 2, texto: 'b', tono: 'x' },
      { numero: 1, texto: 'a', tono: 'y' },
    ];
    const { value } = keyspace.aiCampaignMessages;
    expect(value.encode(messages)[0]).toBe('{"numero":2,"texto":"b","tono":"x"}');
    expect(value.decode(value.encode(messages))).toEqual(messages);
    const board = new Map([
      ['c1', 0],
      ['c2', -1.5],
    ]);
    expect(keyspace.leaderboardContent.value.decode(keyspace.leaderboardContent.value.encode(board))).toEqual(board);
  });

  it('refuse items and scores that are none', () => {
    expect(() => keyspace.aiCampaignMessages.value.decode(['{"numero":1}'])).toThrow(unreadable);
    expect(() => keyspace.aiCampaignMessages.value.decode(['x'])).toThrow(unreadable);
    expect(() => keyspace.leaderboardContent.value.encode(new Map([['c', Number.NaN]]))).toThrow(misshapen);
    expect(() => keyspace.leaderboardContent.value.decode([['c', 'inf']])).toThrow(unreadable);
    expect(() => keyspace.leaderboardContent.value.decode([['c', '']])).toThrow(unreadable);
  });
});

describe('vectors', () => {
  const { value } = keyspace.llmEmbedding;

  it('are packed where nothing is lost, and JSON where something would be', () => {
    const single = [0.5, -0.25, 1, 0, Math.fround(0.1)];
    expect(value.encode(single).subarray(0, PACKED_VECTOR_TAG.length).equals(PACKED_VECTOR_TAG)).toBe(true);
    expect(value.decode(value.encode(single))).toEqual(single);
    expect(value.encode([0.1]).toString()).toBe('[0.1]');
    expect(value.encode([]).toString()).toBe('[]');
  });

  it('come back exactly, whatever the numbers', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.double({ noNaN: true, noDefaultInfinity: true }),
            fc.float({ noNaN: true, noDefaultInfinity: true }),
          ),
        ),
        (numbers) => {
          // JSON has no -0.
          expect(value.decode(value.encode(numbers))).toEqual(numbers.map((one) => (one === 0 ? 0 : one)));
        },
      ),
    );
  });

  it('golden bytes: version 1 is read for ever', () => {
    expect(value.decode(Buffer.from('c1505356010000003f000080be0000803f', 'hex'))).toEqual([0.5, -0.25, 1]);
  });

  it('trap 10: half a vector or a newer form is a coded error', () => {
    const packed = value.encode([0.5, 0.25]);
    expect(() => value.decode(packed.subarray(0, packed.length - 1))).toThrow(unreadable);
    expect(() => value.decode(PACKED_VECTOR_TAG)).toThrow(unreadable);
    expect(() => value.decode(Buffer.from('c1505356020000003f', 'hex'))).toThrow(unreadable);
    expect(() => value.decode(Buffer.from('c1505356010000c07f', 'hex'))).toThrow(unreadable);
    expect(() => value.decode(Buffer.from('["a"]'))).toThrow(unreadable);
  });
});
