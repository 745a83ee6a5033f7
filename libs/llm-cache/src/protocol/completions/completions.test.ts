import fc from 'fast-check';
import { COMPLETIONS } from './completions.js';
import { readCompletionRequest } from './request.js';

const base = { id: 'cmpl-1', object: 'text_completion', created: 1, model: 'instruct' };

function chunk(choices: object[], more: object = {}): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ ...base, choices, ...more })}\n\n`);
}

function assembled(...frames: Buffer[]) {
  const assembler = COMPLETIONS.assembler(1 << 20);
  for (const frame of [...frames, Buffer.from('data: [DONE]\n\n')]) assembler.push(frame);
  const whole = assembler.finish();
  return { ...whole, completion: whole.json === null ? null : (JSON.parse(String(whole.json)) as object) };
}

describe('a text completion', () => {
  it('is assembled from its chunks, each choice by itself', () => {
    const { completion, defect, facts } = assembled(
      chunk([{ text: 'Hel', index: 0, logprobs: null, finish_reason: null }], { usage: null }),
      chunk([{ text: 'Good', index: 1, logprobs: null, finish_reason: null }], { usage: null }),
      chunk([{ text: 'lo', index: 0, logprobs: null, finish_reason: 'stop' }], { usage: null }),
      chunk([{ text: ' day', index: 1, logprobs: null, finish_reason: 'stop' }], { usage: null }),
      chunk([], { usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 } }),
    );
    expect(completion).toEqual({
      ...base,
      choices: [
        { text: 'Hello', index: 0, logprobs: null, finish_reason: 'stop' },
        { text: 'Good day', index: 1, logprobs: null, finish_reason: 'stop' },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
    });
    expect([defect, facts.usage?.outputTokens]).toEqual([null, 4]);
  });

  it('keeps its text when a later chunk says that there is none', () => {
    const { completion } = assembled(
      chunk([{ text: 'Hello', index: 0, logprobs: null, finish_reason: null }]),
      chunk([{ text: null, index: 0, logprobs: null, finish_reason: 'stop' }]),
    );
    expect(completion).toMatchObject({ choices: [{ text: 'Hello', finish_reason: 'stop' }] });
  });

  it('trap 15: of a model that searches the web is not one to keep', () => {
    expect(readCompletionRequest({ model: 'openai/gpt-4o:online', prompt: 'x' }).serverTools).toBe(true);
  });

  it('keeps its log probabilities, token by token, also of a token that is named "index"', () => {
    const part = (token: string, more: object = {}) => ({
      text: token,
      index: 0,
      finish_reason: null,
      logprobs: { tokens: [token], token_logprobs: [-1], top_logprobs: [{ [token]: -1, index: 0 }], text_offset: [0] },
      ...more,
    });
    const { completion } = assembled(chunk([part('a')]), chunk([part('b', { finish_reason: 'stop' })]));
    expect(completion).toMatchObject({
      choices: [
        {
          text: 'ab',
          logprobs: {
            tokens: ['a', 'b'],
            token_logprobs: [-1, -1],
            top_logprobs: [
              { a: -1, index: 0 },
              { b: -1, index: 0 },
            ],
            text_offset: [0, 0],
          },
        },
      ],
    });
  });

  it('trap 15: is not one to keep when it was cut, filtered, or failed in the middle', () => {
    const end = (reason: string | null) => chunk([{ text: '', index: 0, logprobs: null, finish_reason: reason }]);
    expect(assembled(end('length')).defect).toBe('finish_length');
    expect(assembled(end('content_filter')).defect).toBe('finish_content_filter');
    expect(assembled(end(null)).defect).toBe('unfinished_choice');
    const error = Buffer.from('data: {"error":{"message":"It broke."}}\n\n');
    expect(assembled(end('stop'), error)).toMatchObject({ defect: 'in_band_error', complaint: 'It broke.' });
  });

  it('trap 14: of whatever completion: either no stream, or one that gives it back', () => {
    const logprobs = fc.option(
      fc.record({
        tokens: fc.array(fc.string()),
        token_logprobs: fc.array(fc.double({ min: -1e4, max: 0, noNaN: true })),
      }),
    );
    const choice = fc.record({
      text: fc.string({ unit: 'binary' }),
      logprobs,
      finish_reason: fc.constantFrom('stop', 'length'),
    });
    let streamed = 0;
    fc.assert(
      fc.property(fc.array(choice, { minLength: 1, maxLength: 4 }), fc.option(fc.nat()), (choices, tokens) => {
        const usage = tokens === null ? {} : { usage: { prompt_tokens: tokens, completion_tokens: 1 } };
        const completion: unknown = JSON.parse(
          JSON.stringify({ ...base, choices: choices.map((one, index) => ({ ...one, index })), ...usage }),
        );
        const frames = COMPLETIONS.synthesise(Buffer.from(JSON.stringify(completion)));
        if (frames === null) return;
        streamed += 1;
        expect(assembled(...frames.map(({ raw }) => raw)).completion).toEqual(completion);
      }),
    );
    expect(streamed).toBeGreaterThan(90);
  });

  it.each([['text'], [['one', 'two']], [[1, 2, 3]], [[[1], [2, 3]]], [null]])('takes the prompt %j', (prompt) => {
    expect(readCompletionRequest({ model: 'm', prompt })).toMatchObject({ model: 'm', usageAsked: false });
  });

  it.each([
    ['none', undefined, 'missing_required_parameter', 'prompt'],
    ['a number', 7, 'invalid_type', 'prompt'],
    ['an empty list', [], 'empty_array', 'prompt'],
    ['mixed kinds', ['a', 1], 'invalid_type', 'prompt[1]'],
    ['tokens that are none', [1, 2.5], 'invalid_type', 'prompt[1]'],
    ['lists of mixed kinds', [[1], ['a']], 'invalid_type', 'prompt[1]'],
    ['objects', [{}], 'invalid_type', 'prompt[0]'],
  ])('refuses a prompt that is %s', (_name, prompt, code, param) => {
    expect(() => readCompletionRequest({ model: 'm', prompt })).toThrow(
      expect.objectContaining({ code, param, status: 400 }),
    );
  });
});
