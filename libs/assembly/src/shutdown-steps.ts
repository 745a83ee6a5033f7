import type { INestApplication } from '@nestjs/common';
import type { Readiness } from '@promptsales/health';
import { drain, type Logger, type ShutdownStep } from '@promptsales/http-edge';

/** Together under the 30 s that Kubernetes gives a pod by default. */
const DRAIN_MS = 22_000;
/** For what flushes when nobody is left to serve: flights without a reader (1.5 s at most), then the ledger (3 s at most). */
const CLOSE_MS = 7_000;

/**
 * The order in which a process of ours ends. Nest runs its hooks before it closes the server, which would take Redis and PostgreSQL away
 * from requests that are still under way; so the server is drained first, and hooks find nobody left to serve.
 */
export function shutdownSteps(app: INestApplication, readiness: Readiness, logger: Logger): readonly ShutdownStep[] {
  return [
    { name: 'readiness', withinMs: 100, run: () => Promise.resolve(readiness.draining()) },
    {
      name: 'drain',
      withinMs: DRAIN_MS + 500,
      run: async () => {
        const finished = await drain(app.getHttpServer(), DRAIN_MS);
        if (!finished) logger.warn({ afterMs: DRAIN_MS }, 'requests were still under way and have been cut');
      },
    },
    { name: 'flush and close', withinMs: CLOSE_MS, run: () => app.close() },
  ];
}
