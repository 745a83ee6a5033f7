/**
 * One thing that an implementation must do. Any test runner can run it: it resolves, or rejects with an AssertionError.
 *
 * @example test.each(codecConformance(mine))('$name', ({ run }) => run());
 */
export interface ConformanceCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}
