import { LexicalJudge } from './answer-judge.js';

const judge = new LexicalJudge();
const LONG =
  'To reset your password, open the settings, choose the tab for security and follow the link that is sent to you.';

describe('the lexical judge', () => {
  it.each([
    ['The boiling point is 100 °C.', 'The boiling point is 100 °C.'],
    ['Yes.', 'yes.'],
    [LONG, LONG.replace('choose', 'then choose').replace('  ', '\n')],
  ])('takes “%s” for “%s”', (fresh, stored) => {
    expect(judge.equivalent(fresh, stored)).toBe(true);
  });

  it.each([
    ['Yes.', 'No.'],
    ['It is 100.', 'It is 101.'],
    ['You can do that.', 'You cannot do that.'],
    ['Ask Ana Gómez about it, please.', 'Ask Ana Pérez about it, please.'],
    ['x = a + b', 'x = a - b'],
    [LONG, 'Open a ticket: nobody can reset it for you.'],
    ['!!!', '???'],
  ])('does not take “%s” for “%s”', (fresh, stored) => {
    expect(judge.equivalent(fresh, stored)).toBe(false);
  });
});
