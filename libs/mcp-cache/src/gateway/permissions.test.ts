import { mayCall } from './permissions.js';

it.each([
  [['find'], 'crm', 'find', true],
  [['crm/find'], 'crm', 'find', true],
  [['crm/find'], 'other', 'find', false],
  [['crm/*'], 'crm', 'find', true],
  [['crm/*'], 'other', 'find', false],
  [['*'], 'other', 'find', true],
  [[], 'crm', 'find', false],
  // What is said of one server is no name of another one's tool.
  [['crm/find'], 'other', 'crm/find', false],
  [['crm/*'], 'other', 'crm/*', false],
  [['other/crm/find'], 'other', 'crm/find', true],
])('with %j a client may call, of %s, %s: %p', (tools, server, tool, may) => {
  expect(mayCall({ tools }, server, tool)).toBe(may);
});
