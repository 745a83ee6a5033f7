import { readResponsesRequest } from './request.js';

const read = (more: object) => readResponsesRequest({ model: 'gpt-5', input: 'Hi', ...more });

describe('the request for a response', () => {
  it('says what concerns more than the provider', () => {
    expect(read({})).toEqual({ model: 'gpt-5', stream: false, usageAsked: true, serverTools: false, stateful: false });
    expect(read({ stream: true, store: true, background: false }).stateful).toBe(false);
    expect(read({ store: false }).stateful).toBe(false);
  });

  it.each([
    [{ previous_response_id: 'resp_1' }],
    [{ conversation: 'conv_1' }],
    [{ conversation: { id: 'conv_1' } }],
    [{ background: true }],
    [{ prompt: { id: 'pmpt_1' } }],
    [{ input: [{ type: 'item_reference', id: 'msg_1' }] }],
  ])('depends on what the provider keeps: %j', (more) => {
    expect(read(more).stateful).toBe(true);
  });

  it('does not, where a template has a version', () => {
    const body = { prompt: { id: 'pmpt_1', version: '2' } };
    expect(readResponsesRequest(body)).toMatchObject({ model: 'prompt:pmpt_1', stateful: false });
  });

  it.each([
    ['web_search'],
    ['web_search_preview'],
    ['file_search'],
    ['code_interpreter'],
    ['image_generation'],
    ['mcp'],
    ['shell'],
    ['a kind that is new'],
  ])('knows that %s runs at the provider', (type) => {
    expect(read({ tools: [{ type: 'function', name: 'f' }, { type }] }).serverTools).toBe(true);
  });

  it('knows which tools the client runs', () => {
    const tools = [
      { type: 'function' },
      { type: 'custom' },
      { type: 'apply_patch' },
      { type: 'shell', environment: { type: 'local' } },
    ];
    expect(read({ tools }).serverTools).toBe(false);
  });

  it('takes a tool schema of a megabyte', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 20_000 }, (_, n) => [`p${n}`, { description: 'x'.repeat(30) }]),
    );
    const tools = [{ type: 'function', name: 'f', parameters: { type: 'object', properties } }];
    expect(JSON.stringify(tools).length).toBeGreaterThan(1_000_000);
    expect(read({ tools })).toMatchObject({ serverTools: false });
  });

  it.each([
    ['no object', [], 'invalid_type', null],
    ['no model', { input: 'x' }, 'missing_required_parameter', 'model'],
    ['a model of another type', { model: 7, input: 'x' }, 'invalid_type', 'model'],
    ['the prompt of a text completion', { model: 'm', prompt: 'x' }, 'missing_required_parameter', 'input'],
    ['nothing to answer', { model: 'm' }, 'missing_required_parameter', 'input'],
    ['an input of another type', { model: 'm', input: 7 }, 'invalid_type', 'input'],
    ['an input with a text among its items', { model: 'm', input: ['x'] }, 'invalid_type', 'input[0]'],
    ['a stream that is no boolean', { model: 'm', input: 'x', stream: 1 }, 'invalid_type', 'stream'],
  ])('refuses %s', (_name, body, code, param) => {
    expect(() => readResponsesRequest(body)).toThrow(expect.objectContaining({ code, param, status: 400 }));
  });
});
