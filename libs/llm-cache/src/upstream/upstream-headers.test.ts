import { safeResponseHeaders } from './upstream-headers.js';

describe('headers of the provider', () => {
  it('that tell of the server’s credential, or set state, reach nobody', () => {
    const told = {
      'openai-organization': 'org-secret',
      'openai-project': 'proj-secret',
      'anthropic-organization-id': 'org-secret',
      'set-cookie': ['a=b'],
      'x-envoy-upstream': 'host',
    };
    expect(safeResponseHeaders(told)).toEqual({});
  });

  it('that could not be sent on are left out', () => {
    expect(
      safeResponseHeaders({ 'openai-version': '1\u2713', 'x-ratelimit-reset': '1\ufffd', 'retry-after': '2' }),
    ).toEqual({
      'retry-after': '2',
    });
  });

  it('that clients act upon go through', () => {
    const useful = {
      'content-type': 'application/json',
      'retry-after': '2',
      'openai-processing-ms': '12',
      'openai-version': '2020-10-01',
      'x-ratelimit-remaining-requests': '9',
      'anthropic-ratelimit-tokens-remaining': '10',
    };
    expect(safeResponseHeaders({ ...useful, 'x-request-id': 'req_1' })).toEqual({
      ...useful,
      'x-upstream-request-id': 'req_1',
    });
  });
});
