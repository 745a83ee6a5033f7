/** A client that says what it is told to, byte for byte, and shows what came back. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  /** Every JSON-RPC message of the answer, in its order. */
  readonly messages: readonly Record<string, unknown>[];
}

const BOTH = 'application/json, text/event-stream';

export class RawClient {
  readonly url: URL;
  readonly key: string;
  readonly version: string;
  session: string | null = null;
  #id = 0;

  constructor(url: URL, key = 't:k', version = '2025-11-25') {
    this.url = url;
    this.key = key;
    this.version = version;
  }

  async connect(capabilities: object = {}): Promise<this> {
    const clientInfo = { name: 'raw', version: '1' };
    const { headers } = await this.ask('initialize', { protocolVersion: this.version, capabilities, clientInfo });
    this.session = headers.get('mcp-session-id');
    return this;
  }

  ask(method: string, params: object = {}, headers: Record<string, string> = {}): Promise<Told> {
    this.#id += 1;
    return this.send(JSON.stringify({ jsonrpc: '2.0', id: this.#id, method, params }), headers);
  }

  async result(method: string, params: object = {}, headers: Record<string, string> = {}): Promise<unknown> {
    return (await this.ask(method, params, headers)).messages.at(-1)?.['result'];
  }

  async send(body: string, headers: Record<string, string> = {}): Promise<Told> {
    const response = await fetch(this.url, { method: 'POST', body, headers: { ...this.headers, ...headers } });
    return { status: response.status, headers: response.headers, messages: messagesIn(await response.text()) };
  }

  /** Each message of the stream of notifications, until `signal` aborts. */
  async listen(signal: AbortSignal, heard: (message: Record<string, unknown>) => void): Promise<number> {
    const response = await fetch(this.url, { headers: { ...this.headers, accept: 'text/event-stream' }, signal });
    if (response.status !== 200 || response.body === null) return response.status;
    void (async () => {
      let text = '';
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        text += Buffer.from(chunk).toString();
        const end = text.lastIndexOf('\n\n');
        for (const message of messagesIn(text.slice(0, end + 2))) heard(message);
        text = text.slice(end + 2);
      }
    })().catch(() => undefined);
    return 200;
  }

  async end(): Promise<number> {
    return (await fetch(this.url, { method: 'DELETE', headers: this.headers })).status;
  }

  get headers(): Record<string, string> {
    return {
      accept: BOTH,
      'content-type': 'application/json',
      'x-api-key': this.key,
      'mcp-protocol-version': this.version,
      ...(this.session === null ? {} : { 'mcp-session-id': this.session }),
    };
  }
}

function messagesIn(text: string): Record<string, unknown>[] {
  const bodies = text.startsWith('{')
    ? [text]
    : [...text.matchAll(/^data: ?(.+)$/gm)].map((found) => found[1] as string);
  return bodies.map((body) => JSON.parse(body) as Record<string, unknown>);
}
