/**
 * Can two patterns give the same key? Decided when families are declared, so that it is never found out in production.
 *
 * An encoded segment never holds a `:`, so a key splits into exactly the tokens of its pattern. Two patterns can therefore
 * meet only if they have the same number of tokens and can agree at every place:
 *
 * - two literals agree when they are equal;
 * - a literal and a segment agree unless the segment's shape refuses the literal;
 * - two segments agree unless their shapes have no text in common, which is only claimed where it is certain: closed lists without
 *   a common value, a closed list whose values the other shape refuses, or texts of different fixed lengths.
 *
 * "May meet" is the answer in every doubtful case, so the procedure is sound: it can refuse two families that would
 * never meet, but never admits two that could.
 */
import type { Token } from './pattern.js';
import type { SegmentShape } from './segment-shape.js';

export function mayMeet(left: readonly Token[], right: readonly Token[]): boolean {
  return left.length === right.length && left.every((token, index) => mayAgree(token, right[index]));
}

function mayAgree(left: Token, right: Token | undefined): boolean {
  if (right === undefined) return false;
  if ('literal' in left) return 'literal' in right ? left.literal === right.literal : right.shape.accepts(left.literal);
  if ('literal' in right) return left.shape.accepts(right.literal);
  return !areDisjoint(left.shape, right.shape);
}

function areDisjoint(left: SegmentShape, right: SegmentShape): boolean {
  if (left.values !== undefined) return !left.values.some((value) => right.accepts(value));
  if (right.values !== undefined) return !right.values.some((value) => left.accepts(value));
  return left.fixedLength !== undefined && right.fixedLength !== undefined && left.fixedLength !== right.fixedLength;
}
