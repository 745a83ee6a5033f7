import { LENIENT, SemanticStage, told } from './semantic-stage.js';

const stage = SemanticStage.forAll();

describe('trap 19: the semantic tier never serves', () => {
  it.each([
    ['the opposite', 'How do I enable 2FA for my account?', 'How do I disable 2FA for my account?'],
    [
      'the opposite by a prefix',
      'How can I subscribe to your weekly news?',
      'How can I unsubscribe to your weekly news?',
    ],
    ['another number', 'What is the limit for 500 requests a day?', 'What is the limit for 5000 requests a day?'],
    ['another version', 'How do I install Python 3.11 on my machine?', 'How do I install Python 3.12 on my machine?'],
    ['another name', 'What did Ana Gómez say in the meeting?', 'What did Ana Pérez say in the meeting?'],
    ['a negation', 'Which plans are included in the offer?', 'Which plans are not included in the offer?'],
    ['a negation in a contraction', 'Why can I log in here today?', "Why can't I log in here today?"],
    [
      'the other direction',
      'How many euros is it from dollars to euros?',
      'How many euros is it from euros to dollars?',
    ],
    ['una negación', '¿Qué planes incluye la oferta de hoy?', '¿Qué planes no incluye la oferta de hoy?'],
  ])('%s, however much it has learnt', async (_what, one, other) => {
    const gateway = await stage.start({ ...LENIENT, delta: 0.9 });
    await stage.taught(gateway);
    await stage.stored(gateway, one);
    expect(await stage.ask(gateway, other)).toBe('MISS');
    expect(told(gateway, 'semantic served')).toBe(0);
  });

  it('an agent its own previous turn, nor anything where there is a history, a tool’s result or an image', async () => {
    const gateway = await stage.start({ ...LENIENT, delta: 0.9 });
    await stage.taught(gateway);
    const first = { role: 'user', content: 'What is the boiling point of butane then?' };
    await stage.stored(gateway, first.content);
    const histories = [
      [
        first,
        { role: 'assistant', content: 'That of butane is known.' },
        { role: 'user', content: 'And then, again?' },
      ],
      [first, { role: 'assistant', content: 'That of butane is known.' }, first],
      [first, { role: 'tool', tool_call_id: 'c', content: '7' }],
      [
        { role: 'assistant', content: 'Hello' },
        { ...first, content: "What's the boiling point of butane, then?" },
      ],
      [
        {
          ...first,
          content: [
            { type: 'text', text: "What's the boiling point of butane, then?" },
            { type: 'image_url', image_url: { url: 'data:,' } },
          ],
        },
      ],
    ];
    for (const messages of histories) {
      const response = await gateway.post({ model: 'gpt-4o', messages });
      await response.text();
      expect(response.headers.get('x-cache')).toBe('MISS');
    }
    expect(told(gateway, 'semantic ineligible')).toBe(histories.length);
  });

  it('across tenants, whatever their names and texts are', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const asked = "What's the boiling point of butane, then?";
    for (const tenant of ['other', 'acme2', 'acme:What', 'default']) {
      expect(await stage.ask(gateway, asked, {}, { 'x-test-tenant': tenant })).toBe('MISS');
    }
    // What one tenant has shown says nothing of another's answers either.
    await stage.stored(gateway, 'What is the boiling point of neon then?', {}, { 'x-test-tenant': 'late' });
    expect(await stage.ask(gateway, "What's the boiling point of neon, then?", {}, { 'x-test-tenant': 'late' })).toBe(
      'MISS',
    );
    expect(await stage.ask(gateway, asked)).toBe('SEMANTIC');
  });

  it('across anything else that the answer may depend on', async () => {
    const gateway = await stage.start(LENIENT);
    await stage.taught(gateway);
    await stage.stored(gateway, 'What is the boiling point of butane then?');
    const other = "What's the boiling point of butane, then?";
    for (const more of [
      { temperature: 0.5 },
      { model: 'gpt-4o-mini' },
      { seed: 1 },
      { tools: [{ type: 'function', function: { name: 'f' } }] },
      { response_format: { type: 'json_object' } },
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: other },
        ],
      },
    ]) {
      expect(await stage.ask(gateway, other, more)).toBe('MISS');
    }
    expect(await stage.ask(gateway, other, {}, { 'x-cache-namespace': 'n' })).toBe('MISS');
    expect(await stage.ask(gateway, other)).toBe('SEMANTIC');
  });
});
