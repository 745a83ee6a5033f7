import fc from 'fast-check';
import { uncoveredArguments } from './argument-coverage.js';
import { covered, type KeyedWork } from './key-coverage.js';
import { KeyCoverageError } from './key-coverage-error.js';

interface Query {
  readonly id: string;
  readonly locale?: string;
  readonly filter?: { readonly state?: string; readonly tags?: readonly string[] };
  readonly since?: Date;
}

function load<T>(
  key: (query: Query) => unknown,
  loader: (query: Query) => T,
  input: Query,
  more: Partial<KeyedWork<Query, unknown, T>> = {},
): T {
  return covered({ what: 'leads', input, key, load: loader, ...more }).load();
}

const query: Query = { id: '7', locale: 'es', filter: { state: 'new', tags: ['a', 'b'] }, since: new Date(0) };

describe('trap 7: a loader that reads what its key does not cover fails', () => {
  it.each<[string, (query: Query) => unknown, (query: Query) => unknown, string]>([
    ['a field', ({ id }) => id, ({ locale }) => locale, 'locale'],
    ['a nested field', ({ id }) => id, ({ filter }) => filter?.state, 'filter.state'],
    ['an item', ({ filter }) => filter?.state, ({ filter }) => filter?.tags?.[1], 'filter.tags.1'],
    ['items by iteration', ({ id }) => id, ({ filter }) => [...(filter?.tags ?? [])], 'filter.tags.0'],
    ['a whole object by its text', ({ id }) => id, (all) => JSON.stringify(all), 'locale'],
    ['a date', ({ id }) => id, ({ since }) => since?.getTime(), 'since'],
    ['a spread', ({ id }) => id, (all) => ({ ...all }), 'locale'],
    ['whether something is there', ({ id }) => id, (all) => 'locale' in all, 'locale'],
  ])('%s', (_what, key, loader, path) => {
    expect(() => load(key, loader, query)).toThrow(new KeyCoverageError('leads', path));
  });

  it('a field that this input has not, but another may have', () => {
    expect(() =>
      load(
        ({ id }) => id,
        ({ locale }) => locale ?? 'en',
        { id: '7' },
      ),
    ).toThrow(KeyCoverageError);
  });

  it.each<[string, (query: Query) => unknown, (query: Query) => unknown]>([
    ['what the key read', ({ id, locale }) => id + locale, ({ id, locale }) => [id, locale]],
    ['a key over everything', (all) => JSON.stringify(all), (all) => JSON.stringify(all)],
    ['a key over one branch', ({ filter }) => JSON.stringify(filter), ({ filter }) => filter?.tags?.join()],
    ['an item past the end', ({ filter }) => filter?.tags?.join(), ({ filter }) => filter?.tags?.[9]],
    ['names that the key saw are missing', (all) => JSON.stringify(all), (all) => (all as { x?: 1 }).x],
    ['a date', ({ since }) => since?.getTime(), ({ since }) => since?.toISOString()],
  ])('but not %s', (_what, key, loader) => {
    expect(load(key, loader, query)).toEqual(loader(query));
  });

  it('nor what is declared to make no difference', () => {
    const read = ({ filter }: Query) => [filter?.state, filter?.tags?.[0]];
    expect(load(({ id }) => id, read, query, { ignores: ['filter'] })).toEqual(['new', 'a']);
    expect(() => load(({ id }) => id, read, query, { ignores: ['filter.state'] })).toThrow('filter.tags.0');
  });

  it('leaves a frozen input and its own objects as they are', () => {
    const frozen = Object.freeze({ ...query, filter: Object.freeze({ ...query.filter }) });
    expect(() =>
      load(
        ({ id }) => id,
        ({ filter }) => filter?.state,
        frozen,
      ),
    ).toThrow('filter.state');
    expect(
      load(
        ({ since }) => since,
        ({ since }) => since,
        frozen,
      ),
    ).toBe(frozen.since);
  });

  it('for every input: a loader sees the very values that it would see unwatched', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (input) => {
        const { key, load: loader } = covered({
          what: 'any',
          input,
          key: (all) => JSON.stringify(all),
          load: (all) => JSON.stringify(all),
        });
        expect(loader()).toBe(key);
        expect(key).toBe(JSON.stringify(input));
      }),
    );
  });
});

describe('trap 7: arguments that make no difference to the key', () => {
  it.each<[string, (...args: never[]) => unknown, unknown[], number[]]>([
    ['all are in it', (a: string, b: number) => ({ a, b: String(b) }), ['x', 1], []],
    ['one is not', (a: string) => ({ a }), ['x', 'es'], [1]],
    ['one that is missing now', (a: string) => ({ a }), ['x', undefined], [1]],
    ['a flag', (a: string, _flag: boolean) => ({ a }), ['x', true], [1]],
    ['rounded', (n: number) => ({ n: String(Math.floor(n / 100)) }), [7], []],
    ['folded', (s: string) => ({ s: s.toLowerCase() }), ['X'], []],
    ['chosen among few', (s: 'a' | 'b') => ({ s: { a: '1', b: '2' }[s] }), ['a'], []],
    ['objects are watched instead', (a: { id: string }) => ({ id: a.id }), [{ id: '1' }], []],
    ['a bigint', (a: string, _n: bigint) => ({ a }), ['x', 5n], [1]],
  ])('%s', (_what, key, args, positions) => {
    expect(uncoveredArguments(key, args)).toEqual(positions);
  });
});
