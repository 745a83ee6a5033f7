import { once } from 'node:events';
import { destination as fileDestination, pino, stdSerializers, type DestinationStream, type Logger } from 'pino';
import { SecretScrubber } from './secret-scrubber.js';

export type { Logger } from 'pino';

const SECRET_FIELDS = [
  'authorization',
  '["x-api-key"]',
  'cookie',
  '["set-cookie"]',
  'password',
  'token',
  'api_key',
  'apiKey',
  'secret',
  'body',
] as const;

export interface LoggerOptions {
  /** Which process this is: `api`, `worker`. */
  readonly service: string;
  readonly level?: string;
  /** Values that must not appear in any line, whatever field they come in. */
  readonly secrets?: Iterable<string>;
  /** Whether an error says that something is away, as is known to happen: where in the code that was met is not told. */
  readonly isOutage?: (error: unknown) => boolean;
  /** Where the lines go; standard error unless given. */
  readonly destination?: DestinationStream;
}

export interface ProcessLogger {
  readonly logger: Logger;
  /** Resolves when what was logged is written, or nobody reads it any more; the process may end after it. */
  flush(): Promise<void>;
}

/** Structured lines (one JSON object each). Standard output is kept for the `ready` line. */
export function createLogger(options: LoggerOptions): ProcessLogger {
  const scrubber = new SecretScrubber(options.secrets ?? []);
  // Buffered for a bounded amount: a stderr that nobody drains must not stop the event loop.
  const standardError =
    options.destination === undefined ? fileDestination({ fd: 2, sync: false, maxLength: 8 << 20 }) : undefined;
  const logger = pino(
    {
      level: options.level ?? 'info',
      base: { service: options.service, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error: Error) => errorFields(error, options.isOutage?.(error) === true) },
      redact: { paths: redactedPaths(), censor: '[redacted]' },
      hooks: { streamWrite: (line) => scrubber.scrub(line) },
    },
    options.destination ?? standardError ?? process.stderr,
  );
  return {
    logger,
    flush: async () => {
      if (standardError !== undefined) await flush(standardError);
    },
  };
}

/** Longer than a reader of standard error that is alive may take. */
const FLUSH_MS = 1000;

/**
 * The stream's own `flushSync` tries for ever where the reader of standard error has gone (EPIPE) and it does not know that
 * yet. So the next write is waited for, behind which all others lie: it comes about, or tells that nobody reads.
 */
async function flush(standardError: ReturnType<typeof fileDestination>): Promise<void> {
  const written = once(standardError, 'drain', { signal: AbortSignal.timeout(FLUSH_MS) });
  standardError.write('');
  await written.catch(() => undefined);
}

/** The causes stand in the message. */
function errorFields(error: Error, withoutStack: boolean): object {
  const fields = stdSerializers.err(error);
  if (!withoutStack) return fields;
  const { stack: _stack, aggregateErrors: _errors, ...told } = fields;
  return told;
}

function redactedPaths(): string[] {
  return SECRET_FIELDS.flatMap((field) => {
    const nested = (parent: string): string => (field.startsWith('[') ? `${parent}${field}` : `${parent}.${field}`);
    return [field, nested('*'), nested('*.*'), nested('*.*.*')];
  });
}
