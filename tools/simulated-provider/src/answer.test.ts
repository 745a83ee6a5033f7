import fc from 'fast-check';
import { answerTo, type Question } from './answer.js';

const ask = (text: string, more: Partial<Question> = {}): string =>
  answerTo({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: text }], wantsJson: false, ...more });

describe('answerTo', () => {
  it('gives the same question the same answer', () => {
    expect(ask('How do I price a product?')).toBe(ask('How do I price a product?'));
  });

  it('gives every question its own answer', () => {
    const answers = new Set(Array.from({ length: 2_000 }, (_, index) => ask(`Question ${index}?`)));
    expect(answers.size).toBe(2_000);
  });

  it('depends on the model and on the whole conversation', () => {
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ];
    expect(new Set([ask('Hello'), ask('Hello', { model: 'gpt-4o' }), ask('Hello', { messages })]).size).toBe(3);
  });

  it('says that it is simulated', () => {
    expect(ask('Hello')).toContain('Simulated answer');
  });

  it('answers in JSON where JSON is asked for', () => {
    expect(JSON.parse(ask('Hello', { wantsJson: true }))).toMatchObject({ simulated: true });
  });

  it('names the parts of a question that is not text alone', () => {
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:,' } },
    ];
    expect(ask('', { messages: [{ role: 'user', content }] })).toContain('What is this? [image_url]');
  });

  it('cuts a long question without cutting a character in half', () => {
    expect(ask('🙂'.repeat(500))).toContain(`${'🙂'.repeat(160)}…`);
  });

  it('answers with a value of the schema that is asked for', () => {
    const schema = {
      type: 'object',
      properties: {
        title: { type: 'string' },
        tone: { enum: ['warm', 'dry'] },
        kind: { const: 'plan' },
        steps: { type: 'array', minItems: 2, maxItems: 2, items: { $ref: '#/$defs/step' } },
        note: { anyOf: [{ type: 'string' }, { type: 'null' }] },
        next: { anyOf: [{ $ref: '#' }, { type: 'null' }] },
        urgent: { type: ['boolean', 'null'] },
      },
      $defs: { step: { type: 'object', properties: { number: { type: 'integer', minimum: 1 } } } },
    };
    const answer = JSON.parse(ask('Hello', { wantsJson: true, schema })) as Record<string, unknown>;
    expect(answer).toMatchObject({ kind: 'plan', steps: [{ number: 1 }, { number: 2 }] });
    expect(answer['title']).toContain('Simulated answer');
    expect(['warm', 'dry']).toContain(answer['tone']);
    expect(typeof answer['urgent']).toBe('boolean');
    expect(answer).toHaveProperty('next.next.kind', 'plan');
  });

  it('numbers what it lists, whatever is asked', () => {
    const listOf = (numero: object, length: number): object => ({
      type: 'object',
      properties: {
        list: {
          type: 'array',
          minItems: length,
          maxItems: length,
          items: { type: 'object', properties: { numero, texto: { type: 'string' } } },
        },
      },
    });
    const bounds = fc.option(fc.integer({ min: -50, max: 50 }), { nil: undefined });
    fc.assert(
      fc.property(fc.string(), bounds, fc.integer({ min: 1, max: 12 }), (prompt, minimum, length) => {
        const first = minimum ?? 1;
        const schema = listOf({ type: 'integer', minimum, maximum: first + length - 1 }, length);
        const { list } = JSON.parse(ask(prompt, { wantsJson: true, schema })) as { list: { numero: number }[] };
        expect(list.map(({ numero }) => numero)).toEqual(Array.from({ length }, (_none, at) => first + at));
      }),
    );
  });

  it('keeps to the bounds of a number', () => {
    const schema = {
      type: 'object',
      properties: {
        one: { type: 'integer', maximum: 0 },
        many: { type: 'array', items: { type: 'integer', maximum: 2 } },
      },
    };
    expect(JSON.parse(ask('Hello', { wantsJson: true, schema }))).toEqual({ one: 0, many: [1, 2, 2] });
  });
});
