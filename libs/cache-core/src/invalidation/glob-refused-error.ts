/**
 * - `form`: it cannot be read
 * - `everything`, `no_single_family`, `unknown_family`: it does not lie in one family
 * - `companions`: it names what goes by itself with the keys that it belongs to
 * - `tenant`: it names another tenant's keys
 * - `not_a_cache`: the family's keys are no copies and must not be lost
 */
export type GlobRefusal =
  'form' | 'everything' | 'no_single_family' | 'unknown_family' | 'companions' | 'tenant' | 'not_a_cache';

const SHOWN = 80;

/** A pattern that would reach further than one family of one tenant, or cannot be read. Nothing was done. */
export class GlobRefusedError extends Error {
  override readonly name = 'GlobRefusedError';
  readonly code = 'pattern_refused';
  readonly httpStatus = 422;

  constructor(
    readonly refusal: GlobRefusal,
    glob: string,
    /** Without the pattern and what would be allowed. */
    readonly why: string,
    /** Patterns that would be allowed where this one stands. */
    readonly allowed: readonly string[] = [],
  ) {
    const shown = JSON.stringify(glob.length > SHOWN ? `${glob.slice(0, SHOWN)}…` : glob);
    const instead = allowed.length === 0 ? '' : `. Possible are: ${allowed.join(', ')}`;
    super(`the pattern ${shown} is refused: ${why}${instead}`);
  }
}
