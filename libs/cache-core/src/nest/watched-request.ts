import { covered, type Keyed } from '../key-coverage/key-coverage.js';
import type { RequestInput } from './cached-route-options.js';

/** The key from the request, and a handler that reads no more of the request than the key did. */
export function coveredRequest<K, R>(
  name: string,
  request: RequestInput,
  key: (input: RequestInput) => K,
  handle: () => Promise<R>,
  ignores: readonly string[],
): Keyed<K, Promise<R>> {
  const { params, query, body, headers } = request;
  const load = async (watched: RequestInput): Promise<R> => {
    // Handlers take their parameters from the request itself. Headers stay: the framework reads them too.
    const shown = { params: watched.params, query: watched.query };
    const restore = substitute(
      request,
      typeof body === 'object' && body !== null ? { ...shown, body: watched.body } : shown,
    );
    try {
      return await handle();
    } finally {
      restore();
    }
  };
  return covered({ what: name, input: { params, query, body, headers }, key, load, ignores });
}

/** Express gives `query` out by a getter, which cannot be assigned to. What it returns puts back what was there. */
function substitute(request: object, parts: Readonly<Record<string, unknown>>): () => void {
  const own = Object.keys(parts).map((part) => [part, Object.getOwnPropertyDescriptor(request, part)] as const);
  for (const [part, value] of Object.entries(parts)) {
    Object.defineProperty(request, part, { value, configurable: true, enumerable: true, writable: true });
  }
  return () => {
    for (const [part, descriptor] of own) {
      if (descriptor === undefined) Reflect.deleteProperty(request, part);
      else Object.defineProperty(request, part, descriptor);
    }
  };
}
