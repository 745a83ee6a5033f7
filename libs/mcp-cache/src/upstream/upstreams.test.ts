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

  it('of which neither is so is', () => {
    expect(() => upstreams.of(stored('crm-mcp', { CRM_TOKEN: 'x' }))).not.toThrow();
  });
});
