import { parseBody } from '@promptsales/cache-core';
import { answerText } from './answer-text.js';
import { questionOf } from './question.js';

const USER = { role: 'user', content: 'Hi?' };

function asked(protocol: string, body: unknown): { text: string; rest: unknown } | null {
  const question = questionOf(protocol, parseBody(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))));
  return question === null ? null : { text: question.text, rest: question.rest.value };
}

describe('the question of a request', () => {
  it.each([
    ['openai.chat.completions', { model: 'm', messages: [{ role: 'system', content: 's' }, USER] }],
    [
      'anthropic.messages',
      { model: 'm', system: 's', messages: [{ role: 'user', content: [{ type: 'text', text: 'Hi?' }] }] },
    ],
    ['openai.completions', { model: 'm', prompt: 'Hi?' }],
    ['openai.responses', { model: 'm', input: 'Hi?' }],
    ['openai.responses', { model: 'm', input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi?' }] }] }],
  ])('of %s is what the user says, and everything else the rest', (protocol, body) => {
    const question = asked(protocol, body);
    expect(question?.text).toBe('Hi?');
    expect(JSON.stringify(question?.rest)).toBe(JSON.stringify(body).replace('Hi?', ''));
  });

  it.each([
    ['a history', { messages: [USER, { role: 'assistant', content: 'a' }, USER] }],
    ['two of the user', { messages: [USER, USER] }],
    ['a tool’s result', { messages: [USER, { role: 'tool', content: 'r' }] }],
    ['an image', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, { type: 'image_url' }] }] }],
    [
      'two parts',
      {
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'x' },
              { type: 'text', text: 'y' },
            ],
          },
        ],
      },
    ],
    ['nothing', { messages: [] }],
    ['blanks', { messages: [{ role: 'user', content: ' \n' }] }],
    ['a book', { messages: [{ role: 'user', content: 'a'.repeat(4001) }] }],
    ['a lone surrogate', '{"messages":[{"role":"user","content":"\\ud800"}]}'],
    ['a name twice', '{"n":1,"n":2,"messages":[{"role":"user","content":"Hi?"}]}'],
    ['no object', '[]'],
  ])('is none where there is %s', (_what, body) => {
    expect(asked('openai.chat.completions', body)).toBeNull();
  });

  it('is none of images and embeddings, nor of a list of prompts', () => {
    expect(asked('openai.images.generations', { prompt: 'a cat' })).toBeNull();
    expect(asked('openai.embeddings', { input: 'a cat' })).toBeNull();
    expect(asked('openai.completions', { prompt: ['a', 'b'] })).toBeNull();
  });
});

describe('what an answer says', () => {
  const said = (answer: unknown): string | null => answerText(Buffer.from(JSON.stringify(answer)));

  it('is its texts, tool calls included, without what differs each time', () => {
    const tool = (id: string) => ({ id, type: 'function', function: { name: 'f', arguments: '{"a":1}' } });
    const answer = (id: string) => ({
      id,
      model: 'm',
      choices: [
        { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Yes', tool_calls: [tool(id)] } },
      ],
    });
    expect(said(answer('1'))).toBe('Yes\nf\n{"a":1}');
    expect(said(answer('2'))).toBe(said(answer('1')));
    expect(said({ id: 'msg', type: 'message', content: [{ type: 'text', text: 'Hi' }] })).toBe('Hi');
    expect(said({ id: 'r', output: [{ type: 'message', content: [{ type: 'output_text', text: 'Hi' }] }] })).toBe('Hi');
  });

  it('is nothing where nothing can be compared', () => {
    expect(said({ data: [{ url: 'https://e.example' }] })).toBeNull();
    expect(said({ choices: [] })).toBeNull();
    expect(said([])).toBeNull();
  });
});
