import { MESSAGE } from '../../../test/messages/message-events.js';
import { LlmError } from '../llm-error.js';
import type { WholeAnswer } from '../protocol.js';
import { MESSAGES } from './messages.js';

describe('a message that came as JSON', () => {
  const read = (of: unknown): WholeAnswer | null => MESSAGES.readWhole(Buffer.from(JSON.stringify(of)));

  it('is judged like one that was streamed', () => {
    const of = { ...MESSAGE, content: [{ type: 'text', text: 'Hi' }], stop_reason: 'end_turn' };
    expect(read(of)).toMatchObject({ defect: null, facts: { responseId: 'msg_1' } });
    expect(read({ ...of, stop_reason: 'max_tokens' })).toMatchObject({ defect: 'finish_length' });
    expect(read({ ...of, content: [{ type: 'server_tool_use' }] })).toMatchObject({ defect: 'server_tool' });
    expect(read({ type: 'error', error: { type: 'api_error', message: 'no' } })).toMatchObject({
      defect: 'in_band_error',
    });
    for (const none of [[], {}, { content: 'x' }, 'x']) expect(read(none)).toBeNull();
    expect(MESSAGES.readWhole(Buffer.from([0xff]))).toBeNull();
  });
});

describe('a request for a message', () => {
  const ASKED = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };

  it('is read for what concerns us, and no more', () => {
    const read = (more: object): unknown => MESSAGES.readRequest({ ...ASKED, ...more });
    expect(read({})).toEqual({ model: 'm', stream: false, usageAsked: true, serverTools: false, stateful: false });
    expect(read({ stream: true, max_tokens: 'x', unheard_of: 1 })).toMatchObject({ stream: true });
    expect(read({ stream: null })).toMatchObject({ stream: false });
  });

  it('trap 15: that lets the provider use tools of its own is told apart from one with tools of the client', () => {
    const tools = (...types: (string | undefined)[]): boolean =>
      MESSAGES.readRequest({ ...ASKED, tools: types.map((type) => (type === undefined ? { name: 'n' } : { type })) })
        .serverTools;
    const own = [
      undefined,
      'custom',
      'bash_20250124',
      'text_editor_20250728',
      'computer_toolset_20260801',
      'browser_toolset_20260801',
      'memory_20250818',
    ];
    expect(tools(...own)).toBe(false);
    for (const type of [
      'web_search_20250305',
      'web_fetch_20250910',
      'code_execution_20250825',
      'mcp_toolset',
      'custom_2',
    ]) {
      expect([type, tools(undefined, type)]).toEqual([type, true]);
    }
    const asks = (more: object): boolean => MESSAGES.readRequest({ ...ASKED, ...more }).serverTools;
    expect(asks({ mcp_servers: [{ type: 'url', url: 'https://x' }] })).toBe(true);
    expect(asks({ mcp_servers: [] })).toBe(false);
    expect(asks({ container: 'container_1' })).toBe(true);
  });

  it('trap 15: that goes on in a thread of the provider’s is never answered from the cache', () => {
    expect(MESSAGES.readRequest({ ...ASKED, thread: { type: 'create' } })).toMatchObject({ stateful: true });
    expect(MESSAGES.readRequest({ ...ASKED, thread: null })).toMatchObject({ stateful: false });
  });

  it.each([
    [null, 'invalid_type'],
    [[], 'invalid_type'],
    [{}, 'missing_required_parameter'],
    [{ ...ASKED, model: 1 }, 'invalid_type'],
    [{ ...ASKED, model: '' }, 'invalid_value'],
    [{ ...ASKED, messages: undefined }, 'missing_required_parameter'],
    [{ ...ASKED, messages: 'x' }, 'invalid_type'],
    [{ ...ASKED, messages: [] }, 'empty_array'],
    [{ ...ASKED, messages: [1] }, 'invalid_type'],
    [{ ...ASKED, messages: [{}] }, 'missing_required_parameter'],
    [{ ...ASKED, messages: [{ role: 1 }] }, 'invalid_type'],
    [{ ...ASKED, stream: 'yes' }, 'invalid_type'],
  ])('is refused as %j', (body, code) => {
    let refusal: unknown;
    try {
      MESSAGES.readRequest(body);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(LlmError);
    expect((refusal as LlmError).code).toBe(code);
    const told = JSON.parse(MESSAGES.errorBody(refusal as LlmError).toString()) as object;
    expect(told).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: (refusal as LlmError).message, code },
    });
  });

  it('is sent as it is, but for the form', () => {
    const body = { ...ASKED, stream: false, unheard_of: { a: [1] } };
    expect(JSON.parse(MESSAGES.streamedRequest?.(body).toString() ?? '')).toEqual({ ...body, stream: true });
  });
});
