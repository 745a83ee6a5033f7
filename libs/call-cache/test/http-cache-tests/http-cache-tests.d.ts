declare module 'http-cache-tests/client/runner.mjs' {
  export function runTests(
    suites: readonly object[],
    fetch: unknown,
    browserCache: boolean,
    base: string,
    chunkSize?: number,
  ): Promise<void>;
  export function getResults(): Readonly<Record<string, true | readonly [name: string, message: string]>>;
}

declare module 'http-cache-tests/client/test.mjs' {
  export const testResults: Record<string, unknown>;
  /** Runs it as the runner did last. Rejects where there is a result of it. */
  export function makeCacheTest(test: object): Promise<void>;
}

declare module 'http-cache-tests/server/*' {
  import type { IncomingMessage, ServerResponse } from 'node:http';

  export default function handle(segments: readonly string[], request: IncomingMessage, response: ServerResponse): void;
}

declare module 'http-cache-tests/tests/index.mjs' {
  const suites: readonly {
    readonly id: string;
    readonly tests: readonly {
      readonly id: string;
      readonly name: string;
      readonly kind?: 'required' | 'optimal' | 'check';
      readonly depends_on?: readonly string[];
      readonly browser_only?: boolean;
    }[];
  }[];
  export default suites;
}

declare module 'http-cache-tests/tests/surrogate-control.mjs' {
  import type suites from 'http-cache-tests/tests/index.mjs';

  const suite: (typeof suites)[number];
  export default suite;
}
