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
  /** Writes out what is buffered; the process may end after it. */
  flush(): void;
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
    flush: () => standardError?.flushSync(),
  };
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
