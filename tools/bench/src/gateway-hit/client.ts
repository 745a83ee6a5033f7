import type { Stand } from '@promptsales/stand';
import type { Subject } from './subject.js';

/** A customer's key: the administrator's is checked in another way. */
export async function createKey({ adminKey, apis: [api] }: Stand): Promise<string> {
  const response = await fetch(`${api?.address}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'benchmark', tenant: 'bench', scopes: ['llm'] }),
  });
  if (response.status !== 201) throw new Error(`No key was created: ${await response.text()}`);
  return ((await response.json()) as { key: string }).key;
}

/** A request as bytes, with the headers that a plain client sends. */
export function postTo({ address }: Subject, path: string, key: string, body: string): string {
  const head = [
    `POST ${path} HTTP/1.1`,
    `host: ${new URL(address).host}`,
    'connection: keep-alive',
    `authorization: Bearer ${key}`,
    'content-type: application/json',
    'accept: application/json',
    'user-agent: OpenAI/JS 6.0.0',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
