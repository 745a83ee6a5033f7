/** Reads the token usage out of a body that passes, JSON or server-sent events, in OpenAI's or Anthropic's words. */
export interface Usage {
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
}

/** What an answer says of itself. */
export interface Told {
  readonly id: string | null;
  readonly model: string | null;
  /** As it was told, of a stream the last word on each count. */
  readonly usage: Readonly<Record<string, unknown>> | null;
}

interface WithUsage {
  readonly id?: unknown;
  readonly model?: unknown;
  readonly usage?: Readonly<Record<string, unknown>> | null;
  readonly message?: WithUsage;
  readonly response?: WithUsage;
}

const LARGEST_JSON_BYTES = 64 * 2 ** 20;
const LINE_FEED = 0x0a;

function firstNumber(...candidates: unknown[]): number | null {
  return candidates.find((candidate): candidate is number => typeof candidate === 'number') ?? null;
}

/** The usage in a parsed body or event; the Responses and Messages protocols put it a level down. */
function usageIn(body: WithUsage | null): Usage | null {
  const usage = body?.usage ?? body?.message?.usage ?? body?.response?.usage;
  if (usage === null || usage === undefined) return null;
  return {
    inputTokens: firstNumber(usage['prompt_tokens'], usage['input_tokens']),
    outputTokens: firstNumber(usage['completion_tokens'], usage['output_tokens']),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function parse(text: string): WithUsage | null {
  try {
    return JSON.parse(text) as WithUsage;
  } catch {
    return null; // Not JSON, or cut short: it tells no usage.
  }
}

export class UsageReader {
  readonly #isStream: boolean;
  readonly #isJson: boolean;
  #rest: Buffer[] = [];
  #bytes = 0;
  #found: Usage | null = null;
  #told: Told = { id: null, model: null, usage: null };

  constructor(contentType: string) {
    this.#isStream = contentType.startsWith('text/event-stream');
    this.#isJson = contentType.includes('json');
  }

  read(bytes: Buffer): void {
    if (this.#isStream) this.#readLines(bytes);
    else if (this.#isJson && (this.#bytes += bytes.length) <= LARGEST_JSON_BYTES) this.#rest.push(bytes);
  }

  /** What was told so far; of a stream the last word on each count. */
  get usage(): Usage | null {
    if (this.#isJson && this.#found === null && this.#bytes <= LARGEST_JSON_BYTES) {
      const body = parse(Buffer.concat(this.#rest).toString('utf8'));
      this.#found = usageIn(body);
      this.#hear(body);
    }
    return this.#found;
  }

  /** What was told so far. */
  get told(): Told {
    // A JSON body is read when somebody asks.
    void this.usage;
    return this.#told;
  }

  #hear(body: WithUsage | null): void {
    const said = body?.message ?? body?.response ?? body;
    const usage = body?.usage ?? said?.usage ?? null;
    this.#told = {
      id: textOf(said?.id) ?? this.#told.id,
      model: textOf(said?.model) ?? this.#told.model,
      usage: usage === null ? this.#told.usage : { ...this.#told.usage, ...usage },
    };
  }

  #readLines(bytes: Buffer): void {
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, from)) {
      this.#rest.push(bytes.subarray(from, end));
      const line = Buffer.concat(this.#rest);
      this.#rest = [];
      from = end + 1;
      if (line.includes('"usage"') || line.includes('"id"')) this.#readEvent(line.toString('utf8'));
    }
    if (from < bytes.length) this.#rest.push(bytes.subarray(from));
  }

  #readEvent(line: string): void {
    if (!line.startsWith('data:')) return;
    const body = parse(line.slice('data:'.length));
    this.#hear(body);
    const usage = usageIn(body);
    if (usage === null) return;
    this.#found = {
      inputTokens: usage.inputTokens ?? this.#found?.inputTokens ?? null,
      outputTokens: usage.outputTokens ?? this.#found?.outputTokens ?? null,
    };
  }
}
