/**
 * The caller's headers that the provider gets. They steer what the provider answers, so exactly these are part of the
 * identity too: one list for both means that nothing can be forwarded without being keyed. Everything else (credentials,
 * cookies, hop-by-hop, host, tracing) stays here.
 */
const EXACT: ReadonlySet<string> = new Set(['openai-organization', 'openai-project', 'openai-beta']);
const PREFIX = 'anthropic-';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** In order of their names, so that the identity does not depend on the order in which they came. */
export function forwardedHeaders(headers: Headers): Readonly<Record<string, string>> {
  let found: [string, string][] | undefined;
  for (const name in headers) {
    if (!EXACT.has(name) && !name.startsWith(PREFIX)) continue;
    const value = headers[name];
    if (value === undefined) continue;
    (found ??= []).push([name, Array.isArray(value) ? value.join(', ') : value]);
  }
  if (found === undefined) return NONE;
  return Object.fromEntries(found.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});
