/**
 * Why a key or a value was refused. `code` is stable: routes translate it, tests and callers compare it.
 *
 * - `declaration`: two families could meet, or a declaration contradicts itself. Only ever thrown while the process starts.
 * - `segment_missing`, `segment_unknown`, `segment_shape`: what was given for a pattern's segments does not fit it.
 * - `value_shape`: a value does not have its family's schema.
 * - `value_unreadable`: what Redis holds is not this family's value; a reader treats it as a miss.
 * - `ttl_unknown`, `ttl_range`: a TTL override names nothing, or lies outside what its family permits.
 * - `labels`: a namespace or tags that no entry can have.
 * - `key_prefix`: KEY_PREFIX has braces that are no whole hash tag.
 */
export type KeyspaceErrorCode =
  | 'declaration'
  | 'segment_missing'
  | 'segment_unknown'
  | 'segment_shape'
  | 'value_shape'
  | 'value_unreadable'
  | 'ttl_unknown'
  | 'ttl_range'
  | 'labels'
  | 'key_prefix';

/** One place inside a value that does not fit its schema. `path` is a JSON pointer. */
export interface ValueIssue {
  readonly path: string;
  readonly message: string;
}

export interface KeyspaceErrorDetail {
  readonly family?: string;
  readonly issues?: readonly ValueIssue[];
  readonly cause?: unknown;
}

export class KeyspaceError extends Error {
  override readonly name = 'KeyspaceError';
  readonly code: KeyspaceErrorCode;
  /** The id of the family concerned, where there is one. */
  readonly family: string | undefined;
  readonly issues: readonly ValueIssue[];

  constructor(code: KeyspaceErrorCode, message: string, detail: KeyspaceErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.family = detail.family;
    this.issues = detail.issues ?? [];
  }
}
