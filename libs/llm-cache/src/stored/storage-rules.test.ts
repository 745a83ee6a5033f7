import { whyNotStored, type AnswerToStore } from './storage-rules.js';

const good: AnswerToStore = {
  policyAllows: true,
  noStore: false,
  serverTools: false,
  status: 200,
  defect: null,
  bytes: 1000,
  maxBytes: 1000,
  forms: 2,
};

describe('trap 15: what is stored', () => {
  it('is a whole, successful answer', () => {
    expect(whyNotStored(good)).toBeNull();
    expect(whyNotStored({ ...good, forms: 1 })).toBeNull();
  });

  it.each([
    [{ noStore: true }, 'no_store'],
    [{ policyAllows: false }, 'policy'],
    [{ serverTools: true }, 'server_tool'],
    [{ status: 500 }, 'status'],
    [{ status: 199 }, 'status'],
    [{ status: 304 }, 'status'],
    [{ defect: 'no_terminal_event' }, 'no_terminal_event'],
    [{ defect: 'finish_length' }, 'finish_length'],
    [{ bytes: 1001 }, 'too_large'],
    [{ bytes: null }, 'too_large'],
    [{ forms: 0 }, 'no_form'],
  ] as [Partial<AnswerToStore>, string][])('and not %j', (change, reason) => {
    expect(whyNotStored({ ...good, ...change })).toBe(reason);
  });
});
