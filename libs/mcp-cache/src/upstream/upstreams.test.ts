import { serverOf } from '../servers/stored-server.js';
import { Upstreams } from './upstreams.js';

const SETTINGS = { trust: 'private', share: 'session', tools: {}, prompts: {}, ttlCapSeconds: null } as const;
const stored = (command: string, env: Record<string, string>) =>
  serverOf({ tenant: 't', name: 'crm', settings: { ...SETTINGS, command }, secrets: env });

describe('a stored server', () => {
  const upstreams = new Upstreams({ stdioAllow: ['crm-mcp'] });
  afterAll(() => upstreams.close());

  it.each([
    ['whose command is allowed no more', stored('other-mcp', {})],
    ['whose environment decides what is run', stored('crm-mcp', { NODE_OPTIONS: '--require /tmp/x' })],
    ['whose environment does so in small letters', stored('crm-mcp', { CRM_TOKEN: 'x', ld_preload: '/tmp/x' })],
  ])('%s is not started', (_what, server) => {
    expect(() => upstreams.of(server)).toThrow(expect.objectContaining({ code: 'upstream_not_allowed' }));
  });

  it('of which neither is so is', () => {
    expect(() => upstreams.of(stored('crm-mcp', { CRM_TOKEN: 'x' }))).not.toThrow();
  });
});
