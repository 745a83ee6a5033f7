import fc from 'fast-check';
import { compare, TEXT_FEATURES } from './comparison.js';
import { profileOf, stemOf } from './profile.js';

function against(asked: string, stored: string): readonly string[] {
  const { objections, reservations } = compare(profileOf(asked), profileOf(stored), 1);
  return [...objections, ...reservations];
}

describe('what speaks against two texts asking for the same', () => {
  it.each([
    ['numbers', 'Top 10 laptops', 'Top 100 laptops'],
    ['numbers', 'A laptop for 500', 'A laptop'],
    ['negation', 'Which plans are included?', 'Which plans are not included?'],
    ['negation', "Why can't I log in?", 'Why can I log in?'],
    ['negation', '¿Cómo salgo con dinero?', '¿Cómo salgo sin dinero?'],
    ['polarity', 'How do I enable 2FA?', 'How do I disable 2FA?'],
    ['polarity', 'activate the card', 'deactivate the card'],
    ['polarity', 'the cheapest flight before noon', 'the cheapest flight after noon'],
    ['polarity', 'subscribe to it', 'unsubscribe to it'],
    ['polarity', 'Is this possible?', 'Is this impossible?'],
    ['polarity', 'activar la cuenta', 'desactivar la cuenta'],
    ['names', 'Where does Ana live?', 'Where does Eva live?'],
    ['names', 'the weather in Paris', 'the weather'],
    ['names', 'a case for the iPhone', 'a case for the Pixel'],
    ['order', 'convert dollars to euros', 'convert euros to dollars'],
    ['content', 'best pizza in town', 'used car prices'],
    [
      'continued',
      'User: Hi. Agent: Hello. User: Go on.',
      'User: Hi. Agent: Hello. User: Go on. Agent: I looked it up.',
    ],
    ['empty', '?!', '?!'],
  ])('%s: “%s” and “%s”', (what, asked, stored) => {
    expect(against(asked, stored)).toContain(what);
    expect(against(stored, asked)).toContain(what);
  });

  it.each([
    ['How do I reset my password?', 'How can I reset my password?'],
    ["What's the best laptop under 30k?", 'What is the best laptop under 30000?'],
    ['Which plans does ACME offer?', 'which plans does acme offer'],
    ['What are the best sites for blogs?', 'What is the best site for a blog?'],
    ['Show me two examples', 'Show me 2 examples'],
  ])('nothing: “%s” and “%s”', (asked, stored) => {
    expect(against(asked, stored)).toEqual([]);
  });

  it('for all texts: nothing against itself but emptiness, and the same against both ways', () => {
    const texts = fc.array(
      fc.constantFrom('not', 'on', 'off', 'Ana', 'iPhone', '7', 'cats', 'the', 'un-', 'best', 'Ñu'),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(texts, texts, (one, other) => {
        const [a, b] = [one.join(' '), other.join(' ')];
        expect(against(a, a).filter((what) => what !== 'content')).toEqual([]);
        expect(against(a, b)).toEqual(against(b, a));
        const { features } = compare(profileOf(a), profileOf(b), 0.5);
        expect(features).toHaveLength(TEXT_FEATURES.length);
        expect(features.every((feature) => Number.isFinite(feature))).toBe(true);
      }),
    );
  });
});

it.each([
  ['identical', 'Which plan is best?', 'which plan is best'],
  ['articles', 'What is the capital of the Netherlands?', 'What is capital of Netherlands?'],
  ['number', 'What is a good site for a blog?', 'What is a good site for blogs?'],
  ['grammar', 'How do I reset it at home?', 'How can I reset it at home?'],
  ['content', 'How do I reset it at home?', 'How do you reset it at home?'],
  [null, 'How do I reset it at home?', 'How do I reset a clock?'],
])('are one sentence in this way: %s: “%s” and “%s”', (form, asked, stored) => {
  expect(compare(profileOf(asked), profileOf(stored), 1).form).toBe(form);
  expect(compare(profileOf(stored), profileOf(asked), 1).form).toBe(form);
});

it.each([
  ['cats', 'cat'],
  ['cities', 'city'],
  ['houses', 'house'],
  ['class', 'class'],
  ['status', 'status'],
  ['is', 'is'],
])('the stem of %s is %s', (word, stem) => {
  expect(stemOf(word)).toBe(stem);
});
