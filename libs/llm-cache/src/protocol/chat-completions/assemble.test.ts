import { assembled, base, chunk, delta, DONE, STOP, USAGE } from '../../../test/chat-chunks.js';
import { withoutCut } from '../../stream/recording.js';
import { ChatAssembler } from './assemble.js';

describe('assembling a completion from its chunks', () => {
  it('gives what OpenAI answers without a stream, byte for byte', () => {
    const whole = assembled(
      chunk([delta({ role: 'assistant', content: '', refusal: null })], {
        service_tier: 'default',
        usage: null,
        obfuscation: 'x1',
      }),
      chunk([delta({ content: 'Hello' })], { service_tier: 'default', usage: null, obfuscation: 'x2' }),
      chunk([delta({ content: ' you' })], { service_tier: 'default', usage: null }),
      chunk([STOP], { service_tier: 'default', usage: null }),
      chunk([], { service_tier: 'default', usage: USAGE, obfuscation: '' }),
      DONE,
    );
    expect(whole.json?.toString()).toBe(
      JSON.stringify({
        id: 'c1',
        object: 'chat.completion',
        created: 1,
        model: 'gpt-4o-2024',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: 'Hello you', refusal: null },
            logprobs: null,
            finish_reason: 'stop',
          },
        ],
        usage: USAGE,
        system_fingerprint: 'fp',
        service_tier: 'default',
      }),
    );
    expect(whole.defect).toBeNull();
    expect(whole.facts).toMatchObject({
      model: 'gpt-4o-2024',
      responseId: 'c1',
      serviceTier: 'default',
      usage: { inputTokens: 3, outputTokens: 4 },
    });
  });

  it('trap 14: keeps tool calls, reasoning, refusals, log probabilities and what it has never heard of', () => {
    const whole = assembled(
      chunk([delta({ role: 'assistant', content: null, reasoning_content: 'thin' })]),
      chunk([
        delta({
          role: 'assistant',
          reasoning_content: 'king',
          reasoning_details: [{ type: 'reasoning.text', text: 'a', index: 0 }],
        }),
      ]),
      chunk([
        delta({
          reasoning_details: [{ type: 'reasoning.text', text: 'b', index: 0 }],
          vendor: { deep: { text: 'x', n: 1 } },
        }),
      ]),
      chunk([delta({ vendor: { deep: { text: 'y', n: 2 } } })]),
      chunk([
        delta({ tool_calls: [{ index: 1, id: 't2', type: 'function', function: { name: 'g', arguments: '' } }] }),
      ]),
      chunk([
        delta({ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: '{"a"' } }] }),
      ]),
      chunk([
        delta({ tool_calls: [{ index: 0, id: 't1', type: 'function', function: { name: 'f', arguments: ':1}' } }] }),
      ]),
      chunk([delta({ tool_calls: [{ index: 1, function: { arguments: '{}' } }] })]),
      chunk([delta({}, { logprobs: { content: [{ token: 'a', logprob: -1, top_logprobs: [] }], refusal: null } })]),
      chunk([delta({}, { logprobs: { content: [{ token: 'b', logprob: -2, top_logprobs: [] }], refusal: null } })]),
      chunk([{ ...STOP, finish_reason: 'tool_calls', native_finish_reason: 'TOOL' }], { vendors: ['u'] }),
      DONE,
    );
    expect(whole.defect).toBeNull();
    expect(whole.completion).toMatchObject({ vendors: ['u'] });
    expect(whole.completion?.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      native_finish_reason: 'TOOL',
      logprobs: { content: [{ token: 'a' }, { token: 'b' }], refusal: null },
    });
    expect(whole.message).toEqual({
      role: 'assistant',
      content: null,
      refusal: null,
      reasoning_content: 'thinking',
      reasoning_details: [{ type: 'reasoning.text', text: 'ab', index: 0 }],
      vendor: { deep: { text: 'xy', n: 2 } },
      tool_calls: [
        { id: 't2', type: 'function', function: { name: 'g', arguments: '{}' } },
        { id: 't1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } },
      ],
    });
  });

  it('keeps tool calls apart that were given one index, and an id that is later said to be empty', () => {
    const call = (id: string, name: string, more: object = {}) => ({
      index: 0,
      id,
      type: 'function',
      function: { name, arguments: '{}' },
      ...more,
    });
    const whole = assembled(
      chunk([delta({ role: 'assistant', tool_calls: [call('t1', 'f')] })]),
      chunk([delta({ tool_calls: [call('t2', 'f', { function: { name: 'f', arguments: '{"a"' } })] })]),
      chunk([
        delta({ role: '', tool_calls: [{ index: 0, id: '', type: '', function: { name: '', arguments: ':1}' } }] }),
      ]),
      // Some servers give each piece another id.
      chunk([delta({ tool_calls: [{ index: 0, id: 't3', function: { arguments: ' ' } }] })]),
      chunk([{ ...STOP, finish_reason: 'tool_calls' }]),
      DONE,
    );
    expect(whole.message).toMatchObject({
      role: 'assistant',
      tool_calls: [
        { id: 't1', type: 'function', function: { name: 'f', arguments: '{}' } },
        { id: 't3', type: 'function', function: { name: 'f', arguments: '{"a":1} ' } },
      ],
    });
  });

  it('keeps reasoning of different kinds apart that was given one index', () => {
    const whole = assembled(
      chunk([delta({ reasoning_details: [{ type: 'reasoning.summary', summary: 'a', index: 0 }] })]),
      chunk([delta({ reasoning_details: [{ type: 'reasoning.summary', summary: 'b', index: 0 }] })]),
      chunk([delta({ reasoning_details: [{ type: 'reasoning.encrypted', data: 'xyz=', index: 0 }] })]),
      chunk([STOP]),
      DONE,
    );
    expect(whole.message?.['reasoning_details']).toEqual([
      { type: 'reasoning.summary', summary: 'ab', index: 0 },
      { type: 'reasoning.encrypted', data: 'xyz=', index: 0 },
    ]);
  });

  it('joins content that comes in parts, such as thinking before its text', () => {
    const thinking = (text: string) => ({ type: 'thinking', thinking: [{ type: 'text', text }] });
    const whole = assembled(
      chunk([delta({ role: 'assistant', content: '' })]),
      chunk([delta({ content: [thinking('Let me')] })]),
      chunk([delta({ content: [thinking(' see.')] })]),
      chunk([delta({ content: 'It is' })]),
      chunk([delta({ content: ' four.' })]),
      chunk([delta({ content: [{ type: 'reference', reference_ids: [1] }] })]),
      chunk([STOP]),
      DONE,
    );
    expect(whole.message?.['content']).toEqual([
      thinking('Let me see.'),
      { type: 'text', text: 'It is four.' },
      { type: 'reference', reference_ids: [1] },
    ]);
    const late = assembled(chunk([delta({ content: 'So' })]), chunk([delta({ content: [thinking('a')] })]), DONE);
    expect(late.message?.['content']).toEqual([{ type: 'text', text: 'So' }, thinking('a')]);
  });

  it('trap 15: is not one to keep when the provider says what it has found', () => {
    const found = [{ url: 'https://example.org' }];
    expect(assembled(chunk([STOP], { citations: found }), DONE).defect).toBe('server_tool');
    expect(assembled(chunk([STOP], { search_results: found }), DONE).defect).toBe('server_tool');
    expect(assembled(chunk([{ ...STOP, delta: { executed_tools: found } }]), DONE).defect).toBe('server_tool');
    expect(assembled(chunk([STOP], { citations: [] }), DONE).defect).toBeNull();
  });

  it('looks at what it has no more than once for each piece', () => {
    const asked = jest.spyOn(Array.prototype, 'find');
    const decoded = jest.spyOn(Buffer, 'from');
    try {
      const assembler = new ChatAssembler();
      for (let at = 0; at < 500; at++) {
        const call = { index: at, id: `t${at}`, function: { name: 'f', arguments: '' } };
        assembler.push(Buffer.from(chunk([delta({ tool_calls: [call], audio: { data: 'AA==' } })])));
      }
      expect(asked).not.toHaveBeenCalled();
      const calls = decoded.mock.calls as readonly (readonly unknown[])[];
      const lengths = calls.flatMap(([text, encoding]) => (encoding === 'base64' ? String(text).length : []));
      expect(Math.max(...lengths)).toBeLessThan(10);
    } finally {
      asked.mockRestore();
      decoded.mockRestore();
    }
  });

  it.each([
    ['no choices', { id: 'c1', usage: USAGE }],
    ['null for choices', { ...base, choices: null, usage: USAGE }],
  ])('takes usage from a last chunk with %s, of which nobody hears who did not ask for it', (_what, last) => {
    const frame = `data: ${JSON.stringify(last)}\n\n`;
    const whole = assembled(chunk([delta({ content: 'x' })]), chunk([STOP]), frame, DONE);
    expect(whole).toMatchObject({ defect: null, completion: { usage: USAGE }, facts: { usage: { outputTokens: 4 } } });
    expect(whole.readings[2]?.cut).toEqual({ from: 0, length: frame.length });
  });

  it('lets lists of numbers beside a message go on, and says all else anew', () => {
    const whole = assembled(
      chunk([delta({ content: 'a' }, { token_ids: [1, 2], content_filter_results: { hate: { severity: 'safe' } } })]),
      chunk([delta({ content: 'b' }, { token_ids: [3], content_filter_results: { hate: { severity: 'safe' } } })]),
      chunk([{ ...STOP, token_ids: null }]),
      DONE,
    );
    expect(whole.completion?.choices[0]).toMatchObject({
      token_ids: [1, 2, 3],
      content_filter_results: { hate: { severity: 'safe' } },
    });
  });

  it('keeps the choices apart and in order', () => {
    const whole = assembled(
      chunk([{ ...(delta({ content: 'b' }) as object), index: 1 }]),
      chunk([delta({ content: 'a' })]),
      chunk([{ ...STOP, index: 1 }]),
      chunk([STOP]),
      DONE,
    );
    expect(whole.completion?.choices).toMatchObject([
      { index: 0, message: { content: 'a' } },
      { index: 1, message: { content: 'b' } },
    ]);
    expect(whole.defect).toBeNull();
  });

  it('survives a member named __proto__', () => {
    const whole = assembled(
      `data: {"id":"c","choices":[{"index":0,"delta":{"__proto__":{"polluted":1},"content":"x"},"finish_reason":"stop"}]}\n\n`,
      DONE,
    );
    expect(whole.json?.toString()).toContain('"__proto__":{"polluted":1}');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it.each([
    ['no terminal event', [chunk([delta({ content: 'x' })]), chunk([STOP])], 'no_terminal_event', true],
    ['half an answer', [chunk([delta({ content: 'x' })])], 'no_terminal_event', false],
    ['a choice that never ended', [chunk([delta({ content: 'x' })]), DONE], 'unfinished_choice', true],
    [
      'one of two choices that never ended',
      [chunk([STOP]), chunk([{ ...(delta({ content: 'x' }) as object), index: 1 }]), DONE],
      'unfinished_choice',
      true,
    ],
    ['the length', [chunk([{ ...STOP, finish_reason: 'length' }]), DONE], 'finish_length', true],
    ['a filter', [chunk([{ ...STOP, finish_reason: 'content_filter' }]), DONE], 'finish_content_filter', true],
    [
      'an unheard-of end',
      [chunk([{ ...STOP, finish_reason: 'insufficient_system_resource' }]), DONE],
      'finish_abnormal',
      true,
    ],
    [
      'an error in band',
      [chunk([delta({ content: 'x' })]), 'data: {"error":{"message":"no"}}\n\n', DONE],
      'in_band_error',
      false,
    ],
    [
      'an error event',
      [chunk([delta({ content: 'x' })]), 'event: error\ndata: {"message":"no"}\n\n', DONE],
      'in_band_error',
      false,
    ],
    [
      'web search',
      [chunk([delta({ content: 'x', annotations: [{ type: 'url_citation' }] })]), chunk([STOP]), DONE],
      'server_tool',
      true,
    ],
    ['garbage', ['data: <html>\n\n', DONE], 'unreadable', false],
    ['events that are no chunks', ['data: {"usage":{}}\n\n', DONE], 'unreadable', false],
    ['no chunk at all', [DONE], 'unreadable', false],
    ['nothing', [], 'unreadable', false],
  ] as [string, string[], string, boolean][])('trap 15: sees %s', (_, frames, defect, whole) => {
    const result = assembled(...frames);
    expect(result.defect).toBe(defect);
    expect(result.json !== null).toBe(whole);
  });

  it('keeps its id, model and time where later chunks have none, as those that tell of an asynchronous filter', () => {
    const nameless = { id: '', object: '', created: 0, model: '', system_fingerprint: null };
    const verdict = (reason: string | null = null): string =>
      chunk([{ index: 0, finish_reason: reason, content_filter_offsets: { check_offset: 44 } }], nameless);
    const whole = assembled(verdict(), chunk([delta({ content: 'Hi' })]), verdict(), chunk([STOP]), verdict(), DONE);
    expect(JSON.parse(String(whole.json))).toMatchObject({ id: 'c1', model: 'gpt-4o-2024', created: 1 });
    expect(whole).toMatchObject({ defect: null, facts: { responseId: 'c1', model: 'gpt-4o-2024' } });
    expect(assembled(chunk([STOP]), verdict('content_filter'), DONE).defect).toBe('finish_content_filter');
  });

  it('trap 20: that broke off has put out nobody knows how much, where its provider counts along', () => {
    const [begun, ended] = [chunk([delta({ content: 'x' })], { usage: USAGE }), chunk([STOP], { usage: USAGE })];
    const error = 'data: {"error":{"message":"no"}}\n\n';
    const unknown = { inputTokens: 3, outputTokens: null };
    for (const frames of [[begun], [begun, error], [begun, error, DONE]]) {
      expect(assembled(...frames).facts.usage).toMatchObject(unknown);
    }
    for (const frames of [
      [begun, DONE],
      [begun, ended],
      [begun, chunk([], { usage: USAGE }), error],
    ]) {
      expect(assembled(...frames).facts.usage).toMatchObject({ inputTokens: 3, outputTokens: 4 });
    }
  });

  it('marks what a reader who did not ask for usage would not have got', () => {
    const frames = [
      chunk([delta({ content: 'x' })], { usage: null, obfuscation: 'o' }),
      ': ping\n\n',
      chunk([{ ...STOP }]),
      chunk([], { usage: USAGE }),
      chunk([STOP], { usage: USAGE }),
      DONE,
    ];
    const left = assembled(...frames).readings.map(({ cut }, at) =>
      Buffer.concat(withoutCut(Buffer.from(frames[at] as string), cut)).toString(),
    );
    expect(left).toEqual([
      chunk([delta({ content: 'x' })], { obfuscation: 'o' }),
      ': ping\n\n',
      chunk([STOP]),
      '',
      chunk([STOP], { usage: USAGE }),
      DONE,
    ]);
  });
});
