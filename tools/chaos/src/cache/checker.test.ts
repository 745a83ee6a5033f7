import { check, Invalidations, L1_BOUND_MS } from './checker.js';
import { entriesUnder } from './entries.js';
import type { ReadRecord, WriteRecord } from './history.js';

const read = (more: Partial<ReadRecord>): ReadRecord => ({
  what: 'read',
  process: 'reader',
  entry: 5,
  began: 2000,
  ended: 2001,
  source: 'redis',
  version: 1,
  bypassed: false,
  ...more,
});

const write = (more: Partial<WriteRecord>): WriteRecord => ({
  what: 'write',
  process: 'writer',
  reach: { kind: 'key', index: 5 },
  version: 2,
  began: 990,
  returned: 1000,
  pending: false,
  ...more,
});

const claims = (...records: Parameters<typeof check>[0]): string[] => check(records).map(({ claim }) => claim);

describe('the checker of histories', () => {
  test('takes a read of what was invalidated before it began for stale, and no other', () => {
    expect(claims(write({}), read({}))).toEqual(['shared']);
    expect(claims(write({}), read({ version: 2 }))).toEqual([]);
    expect(claims(write({}), read({ version: 3 }))).toEqual([]);
    expect(claims(write({}), read({ began: 999 }))).toEqual([]);
    expect(claims(write({}), read({ entry: 6 }))).toEqual([]);
    expect(claims(write({ pending: true }), read({}))).toEqual([]);
  });

  test('knows what a tag, a namespace, a family and a pattern reach', () => {
    for (const kind of ['tag', 'namespace', 'family', 'pattern'] as const) {
      const reach = { kind, index: 1 };
      const [first] = entriesUnder(reach);
      expect(claims(write({ reach }), read({ entry: first as number }))).toEqual(['shared']);
      const outside = Array.from({ length: 48 }, (_, entry) => entry).find((one) => !entriesUnder(reach).includes(one));
      expect(claims(write({ reach }), read({ entry: outside as number }))).toEqual([]);
    }
  });

  test("lets a process's own memory be behind by its bound and no more", () => {
    const began = 1000 + L1_BOUND_MS;
    expect(claims(write({}), read({ source: 'l1', began: began - 1 }))).toEqual([]);
    expect(claims(write({}), read({ source: 'l1', began }))).toEqual(['memory']);
    expect(claims(write({}), read({ source: 'stale l1', began: began - 1 }))).toEqual([]);
  });

  test('lets no process read what it has itself invalidated, whatever Redis said of it', () => {
    expect(claims(write({ pending: true, process: 'reader' }), read({ source: 'l1', began: 1000 }))).toEqual(['own']);
    expect(claims(write({ process: 'reader' }), read({ bypassed: true, source: 'joined' }))).toEqual(['own']);
  });

  test('lets a caller without Redis share what its process has under way', () => {
    expect(claims(write({}), read({ bypassed: true, source: 'joined' }))).toEqual([]);
    for (const source of ['loaded', 'redis', 'stale', 'followed'] as const) {
      expect(claims(write({}), read({ bypassed: true, source }))).toEqual(['shared']);
    }
  });

  test('counts a request as failed unless its origin failed', () => {
    const failure = { what: 'failure', process: 'p', entry: 1, began: 1, ended: 2, error: 'Error: no' } as const;
    expect(claims({ ...failure, originFailed: false })).toEqual(['failed']);
    expect(claims({ ...failure, originFailed: true })).toEqual([]);
  });

  test('goes by when invalidations returned, in whatever order they were written down', () => {
    const writes = [
      write({ version: 7, returned: 3000 }),
      write({ version: 4, returned: 1000 }),
      write({ version: 9, returned: 2000 }),
    ];
    const invalidations = new Invalidations(writes);
    expect(invalidations.newestOf(5, 999)).toBeNull();
    expect(invalidations.newestOf(5, 1000)?.version).toBe(4);
    expect(invalidations.newestOf(5, 2500)?.version).toBe(9);
    expect(invalidations.newestOf(5, 9999)?.version).toBe(9);
  });
});
