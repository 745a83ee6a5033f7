import type { EmbedderErrorCode } from '@promptsales/semantics';

/**
 * What became of a request in the semantic tier. `ineligible`: it is no single question; `alone`: no question came near;
 * `explored` and `audited`: the provider was asked, and what could not, or could, have been served is compared with its
 * answer; `gone`: what was to be served is not there any more, or too old; `away`: Redis could not be asked; `late`: the tier
 * took too long.
 */
export type SemanticOutcome =
  'ineligible' | 'alone' | 'served' | 'explored' | 'audited' | 'gone' | 'away' | 'late' | 'failed';

/** What the semantic tier tells whoever measures it. Called synchronously: count and return. */
export interface SemanticObserver {
  semantic?(outcome: SemanticOutcome): void;
  /** How long it took to decide, whatever the outcome. */
  sought?(seconds: number): void;
  /** A new answer may serve others from now on. */
  learnt?(): void;
  /** A stored answer was compared with the provider's. */
  compared?(right: boolean, why: 'audit' | 'exploration'): void;
  /** A reader said whether an answer was right. */
  reported?(right: boolean): void;
  /** In how many partitions nothing is served, because too much was wrong there; so far as this process goes by them. */
  closed?(partitions: number): void;
  /** What was learnt could not be kept, because Redis is away. */
  unlearnt?(): void;
  embedderFailed?(code: EmbedderErrorCode): void;
  /** What nobody foresaw. */
  failed?(error: unknown): void;
}
