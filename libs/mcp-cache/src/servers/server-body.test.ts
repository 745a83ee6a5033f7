import { serverIn } from './server-body.js';
import type { McpServerError } from './server-error.js';

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
