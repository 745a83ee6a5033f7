import { Family } from '../family.js';
import { text } from '../values/string-values.js';

/** Ours: what applications keep by Nest's own cache module. */
export const nestValue = new Family({
  id: 'nest.value',
  pattern: 'nest:{namespace}:{key}',
  role: 'cache',
  description: 'A value of Nest\'s cache module, as Keyv encoded it: `{"value":…,"expires":…}`.',
  value: text('what Keyv made of the value'),
  ttlSeconds: null,
  expiry: 'caller',
});
