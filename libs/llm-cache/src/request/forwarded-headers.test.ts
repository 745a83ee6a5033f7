import { forwardedHeaders } from './forwarded-headers.js';

describe('headers that the provider gets', () => {
  it('are the listed ones, by name, and nothing else', () => {
    expect(
      Object.entries(
        forwardedHeaders({
          'openai-project': 'p',
          authorization: 'Bearer platform',
          'x-api-key': 'platform',
          cookie: 'c',
          host: 'h',
          connection: 'keep-alive',
          'anthropic-version': '2023-06-01',
          'openai-organization': 'o',
          'anthropic-beta': ['a', 'b'],
          'openai-beta': 'assistants=v2',
          'x-forwarded-for': '1.2.3.4',
          'transfer-encoding': 'chunked',
          'x-openai-beta': 'no',
        }),
      ),
    ).toEqual([
      ['anthropic-beta', 'a, b'],
      ['anthropic-version', '2023-06-01'],
      ['openai-beta', 'assistants=v2'],
      ['openai-organization', 'o'],
      ['openai-project', 'p'],
    ]);
  });

  it('cost nothing when there are none', () => {
    expect(forwardedHeaders({ host: 'h' })).toBe(forwardedHeaders({}));
  });
});
