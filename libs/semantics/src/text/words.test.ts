import { wordsOf } from './words.js';

function texts(text: string): string[] {
  return wordsOf(text).map((word) => word.text);
}

function names(text: string): string[] {
  return wordsOf(text)
    .filter((word) => word.name)
    .map((word) => word.text);
}

function numbers(text: string): string[] {
  return wordsOf(text)
    .filter((word) => word.number)
    .map((word) => word.text);
}

describe('the words of a text', () => {
  it('are folded, and what a contraction hides is a word', () => {
    expect(texts('What’s the ＡＰＩ? I can’t, won’t, don’t see it.')).toEqual(
      'what is the api i can not will not do not see it'.split(' '),
    );
    expect(texts("the user's plan; we're; they'd")).toEqual('the user plan we are they would'.split(' '));
  });

  it('keep what makes a name of a language or a product', () => {
    expect(texts('C, C++ and C# on an iPhone7')).toEqual(['c', 'c++', 'and', 'c#', 'on', 'an', 'iphone7']);
    expect(texts('¿Cuántos años?')).toEqual(['cuántos', 'años']);
    expect(texts('')).toEqual([]);
    expect(texts('?! …')).toEqual([]);
  });

  it('are numbers where they say one', () => {
    expect(numbers('30k, 30000, 1,000, 2.5, two, 3rd and 5kg')).toEqual([
      '30000',
      '30000',
      '1000',
      '2.5',
      '2',
      '3',
      '5',
    ]);
    expect(texts('5kg 2nd')).toEqual(['5', 'kg', '2']);
    expect(numbers('one of us')).toEqual([]);
  });

  it('are names by their capitals, but not where a sentence begins or a title has them all', () => {
    expect(names('Where is Paris? The Seine flows there, and NASA owns an iPhone and a mp3.')).toEqual([
      'paris',
      'seine',
      'nasa',
      'iphone',
      'mp3',
    ]);
    expect(names('How To Learn French Quickly')).toEqual([]);
    expect(names('Paris is nice')).toEqual([]);
    expect(names("What if I'm late, and I know it?")).toEqual([]);
  });
});
