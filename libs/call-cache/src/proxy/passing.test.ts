import type { Cache } from '@promptsales/cache-core';
import { Fields } from '../rules/fields.js';
import type { Service } from '../services/service.js';
import type { Bytes } from '../upstream/upstream-client.js';
import type { Asked } from './call.js';
import { Passing } from './passing.js';

it('an answer is let go when what it has changed cannot be removed', async () => {
  let returned = 0;
  const bytes: Bytes = {
    next: () => Promise.resolve({ done: true, value: undefined }),
    return: () => {
      returned += 1;
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]: () => bytes,
  };
  const answer = { status: 204, reason: '', fields: new Fields([]), bytes, trailers: () => [] };
  const passing = new Passing({
    cache: { invalidate: () => Promise.reject(new Error('no')) } as Partial<Cache> as Cache,
    upstream: { call: async () => answer },
  });
  const service = { name: 's', space: 's', baseUrl: new URL('http://s'), ttlRules: [] } as Partial<Service> as Service;
  const asked = {
    call: { tenant: 't', service, method: 'PUT', rest: '/', fields: new Fields([]), body: null },
    service,
    target: { line: '/', path: '/' },
    fields: new Fields([]),
    namespace: '',
    tags: [],
    part: false,
    question: null,
    operation: 'put',
  } as unknown as Asked;
  await expect(passing.change(asked)).rejects.toThrow('no');
  expect(returned).toBe(1);
});
