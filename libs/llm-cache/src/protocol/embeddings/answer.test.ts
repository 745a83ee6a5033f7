import fc from 'fast-check';
import { elementOf, readEmbeddings, vectorIn } from './answer.js';

const list = (data: unknown, more: object = {}): Buffer =>
  Buffer.from(JSON.stringify({ object: 'list', data, ...more }));
const element = (index: number | undefined, embedding: unknown = [index]): object => ({
  object: 'embedding',
  index,
  embedding,
});

describe('a provider’s list of embeddings', () => {
  it('trap 16: is read by its indexes, whatever its order', () => {
    const answer = readEmbeddings(list([element(2), element(0), element(1)], { model: 'm', usage: {}, id: 'x' }), 3);
    expect(answer?.elements.map(({ embedding }) => embedding)).toEqual([[0], [1], [2]]);
    expect(answer).toMatchObject({ model: 'm', usage: {}, rest: { id: 'x' } });
  });

  it('is read in its order where nothing is numbered', () => {
    const answer = readEmbeddings(list([element(undefined, [7]), element(undefined, [8])]), 2);
    expect(answer?.elements.map(({ embedding }) => embedding)).toEqual([[7], [8]]);
  });

  it.each([
    ['no list', Buffer.from('{}')],
    ['no JSON', Buffer.from('<html>')],
    ['one too few', list([element(0)])],
    ['one too many', list([element(0), element(1), element(2)])],
    ['an index twice', list([element(0), element(0)])],
    ['an index beyond', list([element(0), element(2)])],
    ['some numbered, some not', list([element(0), element(undefined)])],
    ['some not numbered, some are', list([element(undefined, [1]), element(1)])],
    ['an index that is none', list([element(0), { ...element(1), index: '1a' }])],
    ['no vector', list([element(0), element(1, null)])],
    ['nothing but a place', list([element(0), { object: 'embedding', index: 1 }])],
  ])('is none: %s', (_what, bytes) => {
    expect(readEmbeddings(bytes, 2)).toBeNull();
  });
});

describe('an element that is kept', () => {
  const single = fc.float({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));

  it('is given back as it was, in either form', () => {
    fc.assert(
      fc.property(fc.array(single, { minLength: 1 }), fc.boolean(), (numbers, packed) => {
        const embedding = packed ? Buffer.from(new Float32Array(numbers).buffer).toString('base64') : numbers;
        const given = { object: 'embedding', index: 3, embedding };
        const vector = vectorIn(given);
        expect(vector?.form).toBe(packed ? 'base64' : 'float');
        expect(elementOf(vector as NonNullable<typeof vector>, 3)).toEqual(given);
      }),
    );
  });

  it.each([
    ['half a number', Buffer.from('abc').toString('base64')],
    ['no base64', '%%%%'],
    ['base64 that is written otherwise', 'AACAPw'],
    ['minus zero', Buffer.from(new Float32Array([-0]).buffer).toString('base64')],
    ['no number', Buffer.from(new Float32Array([Number.NaN]).buffer).toString('base64')],
    ['nothing', ''],
    ['an empty vector', []],
    ['text in it', [1, '2']],
  ])('is not one with %s', (_what, embedding) => {
    expect(vectorIn({ object: 'embedding', index: 0, embedding })).toBeNull();
  });

  it.each([{ embeddings: [[1], [2]] }, { embedding: [[1], [2]] }, { embedding: { float: [1] } }])(
    'is passed on, and not kept, as %j',
    (vectors) => {
      const said = { object: 'embedding', index: 0, ...vectors };
      expect(readEmbeddings(list([said]), 1)?.elements).toEqual([said]);
      expect(vectorIn(said)).toBeNull();
    },
  );

  it('is not one that says more', () => {
    expect(vectorIn({ object: 'embedding', index: 0, embedding: [1], truncated: true })).toBeNull();
  });
});
