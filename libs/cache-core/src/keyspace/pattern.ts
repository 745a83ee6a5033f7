import { KeyspaceError } from './keyspace-error.js';
import { shapeOf, type SegmentShape, type ShapeValue } from './segment-shape.js';

/** The names of a pattern's variable segments, read from its template literal. */
export type SegmentNames<P extends string> = P extends `${string}{${infer N}}${infer R}` ? N | SegmentNames<R> : never;

/** What `family.at()` takes: exactly the pattern's segments. A family known only at run time takes any record. */
export type SegmentsOf<P extends string, S> = string extends P
  ? Readonly<Record<string, string>>
  : [SegmentNames<P>] extends [never]
    ? Readonly<Record<string, never>>
    : { readonly [N in SegmentNames<P>]: N extends keyof S ? ShapeValue<S[N]> : string };

export type Token = { readonly literal: string } | { readonly segment: string; readonly shape: SegmentShape };

export type SegmentToken = Extract<Token, { segment: string }>;

const LITERAL = /^[a-z][a-z0-9_]*$/;
const VARIABLE = /^\{([A-Za-z][A-Za-z0-9_-]*)\}$/;

/** Splits a pattern at its separators. The first token is a literal, so that no variable can choose the family. */
export function parsePattern(
  id: string,
  pattern: string,
  shapes: Readonly<Record<string, SegmentShape>>,
): readonly Token[] {
  const tokens = pattern.split(':').map((part): Token => {
    const segment = VARIABLE.exec(part)?.[1];
    if (segment !== undefined) return { segment, shape: shapes[segment] ?? shapeOf(segment) };
    if (LITERAL.test(part)) return { literal: part };
    throw new KeyspaceError(
      'declaration',
      `family ${id}: "${part}" in ${pattern} is neither a literal nor a whole {segment}`,
      {
        family: id,
      },
    );
  });
  const first = tokens[0];
  if (first === undefined || !('literal' in first)) {
    throw new KeyspaceError('declaration', `family ${id}: ${pattern} must begin with a literal`, { family: id });
  }
  const names = tokens.flatMap((token) => ('segment' in token ? [token.segment] : []));
  if (new Set(names).size !== names.length) {
    throw new KeyspaceError('declaration', `family ${id}: ${pattern} names a segment twice`, { family: id });
  }
  return tokens;
}
