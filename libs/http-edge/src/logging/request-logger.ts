import type { Bindings, ChildLoggerOptions, LevelWithSilent, Logger } from 'pino';

type Level = Exclude<LevelWithSilent, 'silent'>;
type Line = readonly [object: unknown, message?: string, ...values: unknown[]];

/**
 * A request's logger that comes into being with its first line. Pino serialises and redacts a child's bindings when the
 * child is made, which for a hit, of which nothing is logged, would be a fifteenth of all its work.
 */
export class RequestLogger {
  readonly #parent: Logger;
  readonly #bindings: Bindings;
  readonly #options: ChildLoggerOptions;
  #own: Logger | undefined;

  constructor(parent: Logger, bindings: Bindings, options: ChildLoggerOptions) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  get level(): string {
    return this.#parent.level;
  }

  child(bindings: Bindings, options?: ChildLoggerOptions): Logger {
    return this.#made().child(bindings, options);
  }

  fatal(...line: Line): void {
    this.#write('fatal', line);
  }

  error(...line: Line): void {
    this.#write('error', line);
  }

  warn(...line: Line): void {
    this.#write('warn', line);
  }

  info(...line: Line): void {
    this.#write('info', line);
  }

  debug(...line: Line): void {
    this.#write('debug', line);
  }

  trace(...line: Line): void {
    this.#write('trace', line);
  }

  silent(): void {}

  #write(level: Level, [object, message, ...values]: Line): void {
    if (this.#parent.isLevelEnabled(level)) this.#made()[level](object, message, ...values);
  }

  #made(): Logger {
    return (this.#own ??= this.#parent.child(this.#bindings, this.#options));
  }
}
