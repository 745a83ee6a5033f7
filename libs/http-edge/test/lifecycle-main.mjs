/** A process that logs, says `ready` on standard output, and ends when it is told to. */
import { runTypeScript } from '@promptsales/test-kit/run-typescript';

runTypeScript();

const { createLogger, ProcessLifecycle } = await import('../src/index.ts');
const log = createLogger({ service: 'sample' });
const lifecycle = new ProcessLifecycle({ log });
lifecycle.onShutdown([]);
process.stdout.write('ready\n');
setInterval(() => undefined, 1000);
