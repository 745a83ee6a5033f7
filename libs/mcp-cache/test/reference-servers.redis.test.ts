/** The reference servers, asked everything by the official client with and without the gateway. */
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { referenceServer, server, stand, type Gateway, type Stand } from './gateway-stand.js';
import { record, type Script } from './recording.js';
import { startEverything } from './everything-over-http.js';

const EVERYTHING: Script = {
  tools: [
    { name: 'echo', arguments: { message: 'Straße 🎈' } },
    { name: 'get-annotated-message', arguments: { messageType: 'error', includeImage: true } },
    { name: 'get-env', arguments: {} },
    { name: 'get-resource-links', arguments: { count: 3 } },
    { name: 'get-resource-reference', arguments: { resourceType: 'Text', resourceId: 1 } },
    { name: 'get-structured-content', arguments: { location: 'New York' } },
    { name: 'get-sum', arguments: { a: 1, b: 2.5 } },
    { name: 'get-sum', arguments: { a: 'x' } },
    { name: 'get-tiny-image', arguments: {} },
    { name: 'get-roots-list', arguments: {} },
    { name: 'trigger-sampling-request', arguments: { prompt: 'p', maxTokens: 5 } },
    { name: 'trigger-elicitation-request', arguments: {} },
    { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } },
    { name: 'no-such-tool', arguments: {} },
  ],
  prompts: [
    { name: 'simple-prompt' },
    { name: 'args-prompt', arguments: { city: 'Bonn', state: 'NRW' } },
    { name: 'completable-prompt', arguments: { department: 'Engineering', name: 'Alice' } },
    { name: 'resource-prompt', arguments: { resourceType: 'Text', resourceId: '1' } },
    { name: 'no-such-prompt' },
  ],
  resources: [
    'demo://resource/static/document/architecture.md',
    'demo://resource/dynamic/text/1',
    'demo://resource/dynamic/blob/2',
    'demo://nowhere',
  ],
  asksForRoots: true,
};

describe('a server is the same through the gateway as without it', () => {
  let place: Stand;
  let gateway: Gateway;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcp-'));
    await writeFile(join(folder, 'a.txt'), 'first\nsecond\n');
    place = await stand();
    gateway = await place.start();
  });
  afterAll(async () => {
    await place.stop();
    await rm(folder, { recursive: true });
  });

  const direct = (args: string[], env: Record<string, string> = {}) =>
    new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' });
  const behind = (name: string, args: string[], env: Record<string, string> = {}) => {
    place.servers.set(name, server(name, { kind: 'stdio', command: process.execPath, args, env }));
    return new StreamableHTTPClientTransport(gateway.url(name));
  };

  it('the server of everything, as a process', async () => {
    const args = [referenceServer('everything')];
    const expected = await record(direct(args), EVERYTHING);
    expect(await record(behind('everything', args), EVERYTHING)).toEqual(expected);
  });

  it('the server of everything, over HTTP', async () => {
    const everything = await startEverything(referenceServer('everything'));
    try {
      const expected = await record(new StreamableHTTPClientTransport(everything.url), EVERYTHING);
      place.servers.set('over-http', server('over-http', { kind: 'http', url: everything.url.href, headers: {} }));
      const transport = new StreamableHTTPClientTransport(gateway.url('over-http'));
      expect(await record(transport, EVERYTHING)).toEqual(expected);
    } finally {
      await everything.stop();
    }
  });

  it('files', async () => {
    const path = join(folder, 'a.txt');
    const script: Script = {
      tools: [
        { name: 'read_text_file', arguments: { path } },
        { name: 'write_file', arguments: { path: join(folder, 'b.txt'), content: 'b' } },
        { name: 'list_directory', arguments: { path: folder } },
        { name: 'search_files', arguments: { path: folder, pattern: '*.txt' } },
        { name: 'read_text_file', arguments: { path: '/etc/passwd' } },
        { name: 'list_allowed_directories', arguments: {} },
      ],
      prompts: [],
      resources: [],
      asksForRoots: true,
    };
    const args = [referenceServer('filesystem'), folder];
    const expected = await record(direct(args), script);
    expect(await record(behind('files', args), script)).toEqual(expected);
  });

  it('memory', async () => {
    const entities = [{ name: 'Ada', entityType: 'person', observations: ['counts'] }];
    const script: Script = {
      tools: [
        { name: 'create_entities', arguments: { entities } },
        { name: 'read_graph', arguments: {} },
        { name: 'search_nodes', arguments: { query: 'Ada' } },
        { name: 'delete_entities', arguments: { entityNames: ['Ada'] } },
        { name: 'read_graph', arguments: {} },
      ],
      prompts: [],
      resources: [],
      asksForRoots: false,
    };
    const args = [referenceServer('memory')];
    const env = (name: string) => ({ MEMORY_FILE_PATH: join(folder, name) });
    const expected = await record(direct(args, env('one')), script);
    expect(await record(behind('memory', args, env('two')), script)).toEqual(expected);
  });
});
