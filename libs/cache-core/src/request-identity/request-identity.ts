/**
 * What exactly was asked, as one SHA-256: two requests share a key if and only if every part of them agrees.
 *
 * Each part is written behind its own length, so that no part can run into the next ("ab" + "c" is not "a" + "bc"). The body counts in its
 * canonical form, every field included but the declared omissions; a body that is not I-JSON counts by its bytes, under
 * another mark, so that it meets no canonical one. Nothing is lower-cased but header names, nothing is cut, array order counts.
 *
 * The recipe is part of every stored key. Changing it needs a new `version`, or old entries are answered for new questions.
 */
import { hash } from 'node:crypto';
import type { OmittedPath } from './omissions.js';
import type { ParsedBody } from './parsed-body.js';

export interface RequestParts {
  /** Version of the recipe that the operation follows. */
  readonly version: number | string;
  readonly tenant: string;
  /** Credential scope: within whom answers are shared. */
  readonly scope: string;
  /** `x-cache-namespace`, or empty. */
  readonly namespace: string;
  /** Base URL or configured name of the upstream. */
  readonly upstream: string;
  /** Method and path, or the operation's name. */
  readonly operation: string;
  /** The request headers that change the answer, chosen by the caller. Names in any case, in any order. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: ParsedBody;
  /** Paths of property names that do not change the answer. A parent that they leave empty goes too. */
  readonly omit: readonly OmittedPath[];
}

/** Lower-case hex. */
export function requestIdentity(parts: RequestParts): string {
  const { version, tenant, scope, namespace, upstream, operation, body } = parts;
  let text = 'promptsales identity';
  for (const part of [String(version), tenant, scope, namespace, upstream, operation]) text += prefixed(part);
  text += headersText(parts.headers);
  const canonical = body.canonical(parts.omit);
  // A canonical text is well formed by its making, and by far the longest part: it is not looked through again.
  text +=
    canonical === undefined
      ? `raw${prefixed(hash('sha256', body.bytes, 'hex'))}`
      : `json|${canonical.length}:${canonical}`;
  return hash('sha256', text, 'hex');
}

function headersText(headers: Readonly<Record<string, string | undefined>>): string {
  const lines: string[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) lines.push(prefixed(name.toLowerCase()) + prefixed(value));
  }
  return `${lines.length}${lines.toSorted().join('')}`;
}

/** Lengths are in UTF-16 units. A lone surrogate has no UTF-8 of its own, so such a text is written as its JSON, marked `u`. */
function prefixed(part: string): string {
  if (part.isWellFormed()) return `|${part.length}:${part}`;
  const escaped = JSON.stringify(part);
  return `|${escaped.length}u${escaped}`;
}
