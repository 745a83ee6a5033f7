/** Where vectors of texts come from. */

export interface Embedded {
  /** In the order of the texts, each of length 1, or all zero where there is nothing to say of a text. */
  readonly vectors: readonly Float32Array[];
  /** What a paid endpoint counted; null where nobody counted, or nothing was paid. */
  readonly inputTokens: number | null;
}

export interface Embedder {
  /** Names the space that its vectors are of. Vectors of different spaces are never compared or kept under one name. */
  readonly space: string;
  /** Whether a text has to leave this process. */
  readonly remote: boolean;
  /** @throws EmbedderError; the signal's reason when that aborts first */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<Embedded>;
}

/** `embedder_text_refused`: these texts are not taken, or not so many at once; others may be. */
export type EmbedderErrorCode =
  | 'embedder_unreachable'
  | 'embedder_timeout'
  | 'embedder_refused'
  | 'embedder_text_refused'
  | 'embedder_invalid_answer';

/** Whoever asked goes on without a vector. Holds no text and no credential. */
export class EmbedderError extends Error {
  readonly code: EmbedderErrorCode;
  /** Of the refusal; null: there was none. */
  readonly status: number | null;

  constructor(
    code: EmbedderErrorCode,
    message: string,
    { status = null, ...options }: ErrorOptions & { readonly status?: number | null } = {},
  ) {
    super(message, options);
    this.name = 'EmbedderError';
    this.code = code;
    this.status = status;
  }
}
