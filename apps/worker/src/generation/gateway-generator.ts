import type { SystemConfigurations } from '@promptsales/configuration';
import {
  ANSWER_FORMAT,
  GenerationFailedError,
  generationSettings,
  promptOf,
  segmentoText,
  SETTINGS_KEY,
  type GeneratedText,
  type GenerateOptions,
  type GenerationJob,
  type Generator,
} from '@promptsales/jobs';
import { GenerationRequestError, LlmError, RefusedByProviderError, type GatewayService } from '@promptsales/llm-cache';

/** In the ledger, jobs are a client of their own. */
const CLIENT = 'jobs';
const LONGEST_SEGMENTO = 200;
/** Refusals that say nothing of the request. */
const PASSING = new Set([408, 409, 425, 429]);

/** Asks the LLM gateway of this process, so that cache, single flight and ledger are those of every other request. */
export class GatewayGenerator implements Generator {
  readonly #gateway: Pick<GatewayService, 'generations'>;
  readonly #configurations: Pick<SystemConfigurations, 'read'>;

  constructor(gateway: Pick<GatewayService, 'generations'>, configurations: Pick<SystemConfigurations, 'read'>) {
    this.#gateway = gateway;
    this.#configurations = configurations;
  }

  async generate(job: GenerationJob, { anew, signal }: GenerateOptions): Promise<GeneratedText> {
    const { tenant, campanaId } = job;
    const settings = generationSettings(await this.#configurations.read(SETTINGS_KEY, tenant));
    const segmento = segmentoText(job.segmento);
    const { model, mensajes, params } = settings;
    const prompt = promptOf(settings, { campana_id: campanaId, segmento, mensajes: String(mensajes) });
    try {
      const { generation } = await this.#gateway.generations.generate(
        { model, prompt, params: { ...params, response_format: ANSWER_FORMAT } },
        {
          headers: anew ? { 'cache-control': 'no-cache' } : {},
          caller: {
            tenant,
            keyId: CLIENT,
            client: CLIENT,
            userId: null,
            clienteId: null,
            campanaId,
            segmento: segmento.slice(0, LONGEST_SEGMENTO),
          },
          requestId: job.id,
          whenLeft: (listener) => {
            if (signal.aborted) listener();
            else signal.addEventListener('abort', listener, { once: true });
          },
        },
      );
      const { content, tokens_used: tokensTotal, cost_usd: costTotalUsd } = generation;
      return { content, model, tokensTotal, costTotalUsd };
    } catch (error) {
      throw failureOf(error);
    }
  }
}

function failureOf(error: unknown): unknown {
  if (error instanceof LlmError || error instanceof RefusedByProviderError) {
    const { code, message, status } = error;
    const retriable = status >= 500 || PASSING.has(status);
    return new GenerationFailedError(code, message, { retriable, cause: error });
  }
  if (error instanceof GenerationRequestError) {
    return new GenerationFailedError('configuration_invalid', error.message, { retriable: false, cause: error });
  }
  return error;
}
