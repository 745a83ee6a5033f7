import { CHAT_COMPLETIONS } from '../chat-completions/chat-completions.js';
import { COMPLETIONS } from '../completions/completions.js';
import { factsOf } from './completion.js';

const usage = { prompt_tokens: 10, completion_tokens: 5 };
const message = { role: 'assistant', content: 'Hi.' };

it.each([
  { citations: ['https://x'] },
  { choices: [{ message: { ...message, annotations: [{ type: 'url_citation' }] } }] },
  { choices: [{ message: { ...message, executed_tools: [{ type: 'python' }] } }] },
  ...['web_search_call', 'file_search_call', 'code_interpreter_call', 'image_generation_call'].map((type) => ({
    output: [{ type: 'message' }, { type }],
  })),
])('trap 20: knows that more is billed than it counts where it says %j', (more) => {
  expect(factsOf({ usage, ...more }).usage).toMatchObject({ inputTokens: 10, outputTokens: 5, billedBeside: true });
});

it('trap 20: does not know what a search costs that was asked for, be there a trace of it or none', () => {
  const request = { model: 'gpt-4o-search-preview', stream: true, usageAsked: true, serverTools: true };
  const choices = [{ index: 0, message, finish_reason: 'stop' }];
  const chunk = { choices: [{ index: 0, delta: message, finish_reason: 'stop' }], usage };
  for (const protocol of [CHAT_COMPLETIONS, COMPLETIONS]) {
    const assembler = protocol.assembler(10_000, request);
    assembler.push(Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`));
    const streamed = assembler.finish().facts.usage;
    const whole = protocol.readWhole(Buffer.from(JSON.stringify({ choices, usage })), request)?.facts.usage;
    for (const one of [streamed, whole]) expect(one).toMatchObject({ inputTokens: 10, billedBeside: true });
  }
});

it.each([
  { choices: [{ message: { ...message, tool_calls: [{ type: 'function' }], annotations: [] } }] },
  { output: [{ type: 'reasoning' }, { type: 'function_call' }, { type: 'mcp_call' }] },
  { citations: [] },
])('counts all that is billed where it says %j', (more) => {
  expect(factsOf({ usage, ...more }).usage).not.toHaveProperty('billedBeside');
});

it('knows of no usage where none is told', () => {
  expect(factsOf({ citations: ['https://x'] }).usage).toBeNull();
});
