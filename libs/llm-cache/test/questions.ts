import { EventReader } from './stream-provider.js';
import type { GatewayProcess } from './gateway-process.js';

let questions = 0;

/** One that was not asked before. */
export function question(more: object = {}): Record<string, unknown> {
  questions += 1;
  return { model: 'gpt-4o', messages: [{ role: 'user', content: `question ${questions}` }], ...more };
}

export async function stream(
  gateway: GatewayProcess,
  body: object,
  signal: AbortSignal | null = null,
): Promise<EventReader & { cache: string | null }> {
  const response = await gateway.post({ ...body, stream: true }, {}, signal);
  return Object.assign(new EventReader(response), { cache: response.headers.get('x-cache') });
}
