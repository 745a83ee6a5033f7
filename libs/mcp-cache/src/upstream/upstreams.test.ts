import { serverOf } from '../servers/stored-server.js';
import { Upstreams } from './upstreams.js';

const SETTINGS = { trust: 'private', share: 'session', tools: {}, prompts: {}, ttlCapSeconds: null } as const;
const stored = (command: string, env: Record<string, string>, args: readonly string[] = []) =>
  serverOf({ tenant: 't', name: 'crm', settings: { ...SETTINGS, command, args }, secrets: env });

describe('a stored server', () => {
  const upstreams = new Upstreams({ stdioAllow: ['crm-mcp', 'npx -y @acme/mail-mcp'] });
  afterAll(() => upstreams.close());

  it.each([
    ['whose command is allowed no more', stored('other-mcp', {})],
    ['whose arguments are others than those that are allowed', stored('npx', {}, ['-y', '@evil/mail-mcp'])],
    ['that leaves some of them out', stored('npx', {}, ['-y'])],
    ['that puts some before them', stored('npx', {}, ['--yes', '-y', '@acme/mail-mcp'])],
    ['whose environment decides what is run', stored('crm-mcp', { NODE_OPTIONS: '--require /tmp/x' })],
    ['whose environment does so in small letters', stored('crm-mcp', { CRM_TOKEN: 'x', ld_preload: '/tmp/x' })],
  ])('%s is not started', (_what, server) => {
    expect(() => upstreams.of(server)).toThrow(expect.objectContaining({ code: 'upstream_not_allowed' }));
  });

  it('that was stored otherwise in between is another one: the former was let go', () => {
    const first = upstreams.of(stored('crm-mcp', { CRM_TOKEN: 'a' }));
    expect(() => upstreams.of(stored('other-mcp', {}))).toThrow('may not be started');
    expect(upstreams.of(stored('crm-mcp', { CRM_TOKEN: 'a' }))).not.toBe(first);
  });

  it('that is removed is let go, and no other', () => {
    const [one, other] = [stored('crm-mcp', { A: '1' }), { ...stored('crm-mcp', { A: '2' }), name: 'other' }];
    const before = [one, other].map((server) => upstreams.of(server));
    upstreams.retain([other]);
    const after = [one, other].map((server) => upstreams.of(server));
    expect(after.map((upstream, at) => upstream === before[at])).toEqual([false, true]);
  });

  it.each([
    stored('crm-mcp', { CRM_TOKEN: 'x' }),
    stored('crm-mcp', {}, ['--any']),
    stored('npx', {}, ['-y', '@acme/mail-mcp', '--of', 'eu']),
  ])('of which none is so is: $reached', (server) => {
    expect(() => upstreams.of(server)).not.toThrow();
  });
});
