import { arrayLiteral } from './column-batch.js';

describe('array literal', () => {
  it.each([
    [[], '{}'],
    [[1, null, undefined, true], '{1,NULL,NULL,true}'],
    [['', 'NULL', 'a,b', '{}', ' '], '{"","NULL","a,b","{}"," "}'],
    [['say "hi"', String.raw`back\slash`], String.raw`{"say \"hi\"","back\\slash"}`],
    [[{ inputTokens: 1 }], String.raw`{"{\"inputTokens\":1}"}`],
  ])('of %j is %s', (values, literal) => {
    expect(arrayLiteral(values)).toBe(literal);
  });
});
