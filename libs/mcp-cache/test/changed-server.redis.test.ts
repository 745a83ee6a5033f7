import { server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { RawClient } from './raw-client.js';
import { ScriptedServer } from './scripted-server.js';

describe('a session with a server', () => {
  let place: Stand;
  let gateway: Gateway;
  const upstreams = [new ScriptedServer(), new ScriptedServer()];

  beforeAll(async () => {
    place = await stand();
    gateway = await place.start();
    await Promise.all(upstreams.map((upstream) => upstream.start()));
  });

  afterAll(async () => {
    await place.stop();
    await Promise.all(upstreams.map((upstream) => upstream.stop()));
  });

  const reachedAt = (url: string, headers: Record<string, string> = {}): void =>
    void place.servers.set('crm', server('crm', { kind: 'http', url, headers }));

  it.each([
    ['has another address', () => reachedAt(upstreams[1]?.url ?? '')],
    ['is given another credential', () => reachedAt(upstreams[0]?.url ?? '', { authorization: 'Bearer other' })],
  ])('that %s now is over at once, and nobody hears of it', async (_what, change) => {
    reachedAt(upstreams[0]?.url ?? '');
    const client = await new RawClient(gateway.url('crm')).connect();
    expect((await client.ask('ping')).status).toBe(200);
    const asked = upstreams.map((upstream) => upstream.asked.length);
    change();
    const told = await client.ask('ping');
    expect([told.status, told.messages[0]]).toMatchObject([404, { error: { data: { code: 'session_not_found' } } }]);
    expect(await client.end()).toBe(404);
    expect(upstreams.map((upstream) => upstream.asked.length)).toEqual(asked);
    expect((await (await new RawClient(gateway.url('crm')).connect()).ask('ping')).status).toBe(200);
  });

  it('that is a process refuses headers that contradict the body, as one over HTTP does', async () => {
    const process_ = { kind: 'stdio', command: process.execPath, args: ['-e', ''], env: {} } as const;
    place.servers.set('child', server('child', process_));
    const client = new RawClient(gateway.url('child'));
    const { status, messages } = await client.ask('tools/call', { name: 'write' }, { 'mcp-method': 'tools/list' });
    expect([status, messages[0]]).toMatchObject([400, { error: { code: -32020, data: { code: 'header_mismatch' } } }]);
    expect(place.asked.get('child')).toBeUndefined();
  });
});
