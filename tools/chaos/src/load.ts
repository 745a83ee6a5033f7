import { Agent, request } from 'undici';

/** One request, as its client saw it. */
export interface Sample {
  /** Milliseconds since the load began. */
  readonly at: number;
  readonly prompt: string;
  readonly ms: number;
  /** 0 when there was no answer. */
  readonly status: number;
  /** `x-cache` of the answer. */
  readonly cache: string;
  readonly text: string;
  readonly failure: string | null;
}

export interface LoadOptions {
  readonly addresses: readonly string[];
  readonly key: string;
  readonly perSecond: number;
  /** The prompt of the n-th request. */
  prompt(n: number): string;
}

/** An answer that takes longer than this has failed its user. */
const PATIENCE_MS = 15_000;

/**
 * An open load: requests leave at their time whether or not earlier ones have been answered, as users do, so that a
 * stall shows as latency of all who came meanwhile.
 */
export class Load {
  readonly samples: Sample[] = [];
  readonly #options: LoadOptions;
  readonly #agent = new Agent({ connections: 256, bodyTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS });
  readonly #began = performance.now();
  readonly #underWay = new Set<Promise<void>>();
  #sent = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#catchUp(), 5);
  }

  /** Milliseconds since the load began. */
  now(): number {
    return performance.now() - this.#began;
  }

  between(from: number, to: number): Sample[] {
    return this.samples.filter(({ at }) => at >= from && at < to);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    await this.#agent.close();
  }

  /** One request beside the load. */
  async ask(prompt: string, n = 0): Promise<Sample> {
    const { addresses, key } = this.#options;
    const at = this.now();
    const outcome = { status: 0, cache: '', text: '', failure: null as string | null };
    try {
      const answer = await request(`${addresses[n % addresses.length] as string}/v1/chat/completions`, {
        dispatcher: this.#agent,
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: prompt }] }),
      });
      const body = await answer.body.text();
      outcome.status = answer.statusCode;
      outcome.cache = String(answer.headers['x-cache'] ?? '');
      if (answer.statusCode === 200) outcome.text = contentOf(body);
      else outcome.failure = body.slice(0, 200);
    } catch (error) {
      outcome.failure = error instanceof Error ? error.message : String(error);
    }
    return { at, prompt, ms: this.now() - at, ...outcome };
  }

  #catchUp(): void {
    const due = Math.floor((this.now() / 1000) * this.#options.perSecond);
    for (; this.#sent < due; this.#sent += 1) {
      const n = this.#sent;
      const one = this.ask(this.#options.prompt(n), n).then((sample) => {
        this.samples.push(sample);
        this.#underWay.delete(one);
      });
      this.#underWay.add(one);
    }
  }
}

function contentOf(body: string): string {
  const parsed = JSON.parse(body) as { choices: { message: { content: string } }[] };
  return parsed.choices[0]?.message.content ?? '';
}
