/** The embedder that a policy names. One that fails is left alone for a while: until then each request is a miss at once. */
import { EmbedderError, LexicalEmbedder, OpenAiEmbedder, type Embedded, type Embedder } from '@promptsales/semantics';
import type { UpstreamDirectory } from '../gateway/directories.js';
import type { Attribution, CallFacts, Ledger, Usage } from '../ledger/ledger.js';
import { readOpenAiUsage } from '../ledger/openai-usage.js';

export interface EmbedderSettings {
  readonly timeoutMs: number;
  readonly restMs: number;
  /** Names in the ledger what the vectors are for. @default 'semantic' */
  readonly route?: string;
}

/** An OpenAI-compatible endpoint. */
export interface EmbeddingEndpoint {
  readonly baseUrl: string;
  readonly model: string;
  /** @default that of the upstream at this address */
  readonly apiKey?: string | null;
}

const LEXICAL = new LexicalEmbedder();
const ROUTE = 'semantic';

export class Embedders {
  readonly #upstreams: UpstreamDirectory;
  readonly #ledger: Ledger;
  readonly #settings: EmbedderSettings;
  readonly #restingUntil = new Map<string, number>();

  constructor(upstreams: UpstreamDirectory, ledger: Ledger, settings: EmbedderSettings) {
    this.#upstreams = upstreams;
    this.#ledger = ledger;
    this.#settings = settings;
  }

  /** For the requests of one caller, to whom a paid endpoint's calls are booked. */
  of(embedder: 'lexical' | EmbeddingEndpoint, caller: Attribution, identity: string): Embedder {
    if (embedder === 'lexical') return LEXICAL;
    const { baseUrl, model, apiKey = null } = embedder;
    const target = this.#upstreams.targetFor({ operation: 'openai.embeddings', tenant: caller.tenant, model });
    // A credential goes to the address that it was stored with, whatever a policy names.
    const known = target !== null && target.baseUrl === baseUrl;
    const remote = new OpenAiEmbedder({
      baseUrl,
      model,
      apiKey: apiKey ?? (known ? target.apiKey : null),
      timeoutMs: this.#settings.timeoutMs,
    });
    const call = {
      ...caller,
      route: this.#settings.route ?? ROUTE,
      provider: known ? target.provider : 'openai',
      model,
      simulated: known && target.simulated,
      identity,
      cause: 'exploration' as const,
    };
    return {
      space: remote.space,
      remote: true,
      embed: (texts, signal) => this.#embed(remote, call, texts, signal),
    };
  }

  async #embed(
    remote: OpenAiEmbedder,
    call: CallFacts,
    texts: readonly string[],
    signal?: AbortSignal,
  ): Promise<Embedded> {
    if ((this.#restingUntil.get(remote.space) ?? 0) > performance.now()) {
      throw new EmbedderError('embedder_unreachable', 'The embeddings endpoint failed a moment ago.');
    }
    const intent = await this.#ledger.begin(call).catch((cause: unknown) => {
      throw new EmbedderError('embedder_unreachable', 'The call could not be entered into the ledger.', { cause });
    });
    try {
      const embedded = await remote.embed(texts, signal);
      intent.settle({ status: 'completed', usage: usageOf(embedded), model: call.model, httpStatus: 200 });
      this.#restingUntil.delete(remote.space);
      return embedded;
    } catch (error) {
      const httpStatus = error instanceof EmbedderError ? error.status : null;
      const status = signal?.aborted === true ? 'aborted' : 'failed';
      intent.settle({ model: null, httpStatus, status, usage: null });
      // What it does not take of one caller says nothing of what it takes of others.
      if (error instanceof EmbedderError && error.code !== 'embedder_text_refused') {
        this.#restingUntil.set(remote.space, performance.now() + this.#settings.restMs);
      }
      throw error;
    }
  }
}

/** Embeddings have no output. */
function usageOf({ inputTokens }: Embedded): Usage | null {
  return readOpenAiUsage({ prompt_tokens: inputTokens, total_tokens: inputTokens });
}
