import fc from 'fast-check';
import { CHAT_COMPLETIONS } from '../chat-completions/chat-completions.js';
import { COMPLETIONS } from '../completions/completions.js';
import { exactEvent, exactJson } from './exact-numbers.js';

const BIG = '9007199254740993';

it.each([CHAT_COMPLETIONS, COMPLETIONS])(
  'trap 14: $id: what is merged has the digits that the chunks had',
  (protocol) => {
    const assembler = protocol.assembler(10_000);
    const chunks = [
      `{"id":"x","created":${BIG},"seed":-${BIG},"choices":[{"index":0,"text":"a","delta":{"role":"assistant","content":"n: 1234567890123456789","tool_calls":[{"index":0,"ref":${BIG}}]},"finish_reason":null}]}`,
      `{"id":"x","created":${BIG},"choices":[{"index":0,"text":"b","delta":{"tool_calls":[{"index":0,"ids":[1, ${BIG}]}]},"rank":${BIG},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`,
    ];
    for (const chunk of chunks) assembler.push(Buffer.from(`data: ${chunk}\n\n`));
    assembler.push(Buffer.from('data: [DONE]\n\n'));
    const { json, defect, facts } = assembler.finish();
    const text = String(json);
    expect(text).toContain(`"created":${BIG},`);
    expect(text).toContain(`"seed":-${BIG}`);
    expect(text).toContain(`"rank":${BIG}`);
    if (protocol === CHAT_COMPLETIONS) expect(text).toContain(`"ref":${BIG},"ids":[1,${BIG}]`);
    expect([defect, facts.usage?.inputTokens]).toEqual([null, 1]);
  },
);

it('changes nothing else', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify({ value });
      expect(exactJson(exactEvent(text) as object)).toBe(JSON.stringify(JSON.parse(text)));
    }),
    { numRuns: 500 },
  );
  expect(exactEvent('[1234567890123456')).toBeUndefined();
  expect(exactJson({ a: exactEvent('[ 12345678901234567890.5, 1234567890123456e1, 1234567890123456]') })).toBe(
    '{"a":[12345678901234567000,12345678901234560,1234567890123456]}',
  );
});
