/** What the semantic tier tells whoever measures it. Called synchronously: count and return. */
export interface SemanticObserver {
  /** What it made of a request: `alone` where no question came near. */
  semantic?(outcome: 'ineligible' | 'alone' | 'served' | 'explored' | 'failed'): void;
  /** A new answer may serve others from now on. */
  learnt?(): void;
  /** A stored answer was compared with the provider's. */
  compared?(right: boolean): void;
  /** A reader said whether an answer was right. */
  reported?(right: boolean): void;
  failed?(error: unknown): void;
}
