import { parseArgs } from 'node:util';

export interface LintOptions {
  readonly json: boolean;
  readonly readValues: boolean;
  readonly keysPerSecond: number;
  readonly maxBytes: number;
  readonly mostTold: number;
  readonly url: string | null;
}

export const USAGE = `npm run keyspace -- lint [--json] [--rate 5000] [--max-bytes 1048576] [--most 1000] [--no-values] [--url redis://…]`;

/** An option that there is not, or that takes something else. */
export class UsageError extends Error {
  readonly code = 'usage';

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UsageError';
  }
}

/** @throws UsageError */
export function lintOptions(args: readonly string[]): LintOptions {
  const values = parsed(args);
  return {
    json: values.json,
    readValues: values.values,
    keysPerSecond: whole('rate', values.rate),
    maxBytes: whole('max-bytes', values['max-bytes']),
    mostTold: whole('most', values.most),
    url: values.url ?? null,
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowNegative: true,
      options: {
        json: { type: 'boolean', default: false },
        values: { type: 'boolean', default: true },
        rate: { type: 'string', default: '5000' },
        'max-bytes': { type: 'string', default: String(1024 * 1024) },
        most: { type: 'string', default: '1000' },
        url: { type: 'string' },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function whole(name: string, text: string): number {
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text);
  throw new UsageError(`--${name} takes a whole number above 0, not ${JSON.stringify(text.slice(0, 40))}`);
}
