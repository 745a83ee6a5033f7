/** How one kind of value is read from its text. */
export interface ValueKind<T> {
  /** What it takes, as the end of a sentence: `an integer from 0 to 65535`. */
  readonly takes: string;
  /** A secret is never repeated in an error, whatever is wrong with it. */
  readonly secret: boolean;
  /** White space around the text belongs to it. */
  readonly verbatim?: boolean;
  /** Throws `Refusal` when the text is not such a value. */
  parse(text: string): T;
}

/** Why a text is not a value of its kind, where `takes` alone does not say it. Never holds any of the text. */
export class Refusal extends Error {
  readonly code = 'value_refused';

  constructor(reason = '') {
    super(reason);
    this.name = 'Refusal';
  }
}
