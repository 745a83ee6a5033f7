import { serverBody, serverIn } from './server-body.js';
import type { McpServerError } from './server-error.js';
import { serverOf } from './stored-server.js';

it.each([
  'PATH',
  'NODE_OPTIONS',
  'LD_PRELOAD',
  'dyld_insert_libraries',
  'PYTHONPATH',
  'BASH_ENV',
  'npm_config_registry',
])('an allowed command is not made to run something else by %s', (name) => {
  const sent = (variable: string) => () =>
    serverIn({ command: 'crm-mcp', env: { [variable]: '/tmp/x' } }, 'crm', ['crm-mcp']);
  expect(sent('CRM_TOKEN')().secrets).toEqual({ CRM_TOKEN: '/tmp/x' });
  let error: unknown;
  try {
    sent(name)();
  } catch (thrown) {
    error = thrown;
  }
  expect((error as McpServerError).errors).toMatchObject([{ path: `env.${name}` }]);
});

it('trap 23: private addresses are allowed by who says so, and shown', () => {
  const settingsOf = (more: object) => serverIn({ url: 'https://tools.example.com/mcp', ...more }, 'crm', []).settings;
  expect(settingsOf({}).privateAddresses).toBe(false);
  const settings = settingsOf({ private_addresses: true });
  expect(serverBody({ settings })).toMatchObject({ private_addresses: true });
  expect(serverOf({ tenant: 't', name: 'crm', settings, secrets: {} }).reached).toMatchObject({
    privateAddresses: true,
  });
  expect(() => settingsOf({ private_addresses: 'yes' })).toThrow('private_addresses');
});

it('an address that is shown as it is holds no secret', () => {
  const sent = (url: string) => () => serverIn({ url }, 'crm', []);
  expect(sent('https://tools.example.com/mcp?apiKey=s3cr3t')).toThrow(/^url: (?!.*s3cr3t).*apiKey/);
  expect(sent('https://user:s3cr3t@tools.example.com/mcp')).toThrow(/^url: (?!.*s3cr3t)/);
  expect(sent('https://tools.example.com/mcp?profile=eu')).not.toThrow();
});

it('a header that cannot be sent is not taken, but for the character of masks, which never is', () => {
  const sent = (authorization: string) => () =>
    serverIn({ url: 'https://tools.example.com/mcp', headers: { authorization } }, 'crm', []);
  for (const text of ['Bearer t\u20acken', 'a\r\nb: c', 'a\u0000b', '\u{1f511}']) {
    expect(sent(text)).toThrow('headers.authorization');
  }
  for (const text of ['Bearer x', 'Bear…ken', 'caf\u00e9']) expect(sent(text)).not.toThrow();
});
