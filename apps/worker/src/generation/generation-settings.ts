import { GenerationFailedError } from '@promptsales/jobs';

/** What a tenant has stored for its generations: `POST /api/configurations/ai_generation` with the type `system`. */
export interface GenerationSettings {
  readonly model: string;
  /** `{campana_id}`, `{segmento}` and `{mensajes}` are replaced. */
  readonly prompt: string;
  /** How many messages are asked for. */
  readonly mensajes: number;
  /** Parameters of the chat completion: `temperature`, `max_tokens` … */
  readonly params: Readonly<Record<string, unknown>>;
}

export const SETTINGS_KEY = 'ai_generation';

/** Where nothing is stored, or a member is left out. */
export const DEFAULT_SETTINGS: GenerationSettings = Object.freeze({
  model: 'gpt-4o-mini',
  prompt:
    'Eres redactor publicitario. Escribe {mensajes} mensajes para el segmento de público "{segmento}" de la campaña "{campana_id}". ' +
    'Numéralos desde 1 y di en `tono` el tono de cada uno. Responde solo con JSON.',
  mensajes: 3,
  params: Object.freeze({}),
});

const MOST_MESSAGES = 100;

/** @throws GenerationFailedError for what cannot be meant; the job is tried again when it is replayed */
export function generationSettings(stored: Readonly<Record<string, unknown>> | null): GenerationSettings {
  const { model, prompt, mensajes, params } = { ...DEFAULT_SETTINGS, ...stored };
  if (typeof model !== 'string' || model === '') throw refused('model', 'must be the name of a model');
  if (typeof prompt !== 'string' || prompt === '') throw refused('prompt', 'must be a text');
  if (typeof mensajes !== 'number' || !Number.isInteger(mensajes) || mensajes < 1 || mensajes > MOST_MESSAGES) {
    throw refused('mensajes', `must be a whole number from 1 to ${MOST_MESSAGES}`);
  }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw refused('params', 'must be an object');
  }
  return { model, prompt, mensajes, params };
}

/** The prompt with what it is about. A value that looks like a placeholder is left as it is. */
export function promptOf(
  { prompt }: Pick<GenerationSettings, 'prompt'>,
  values: Readonly<Record<string, string>>,
): string {
  return prompt.replaceAll(/\{(campana_id|segmento|mensajes)\}/g, (_placeholder, name: string) => values[name] ?? '');
}

function refused(member: string, message: string): GenerationFailedError {
  return new GenerationFailedError(
    'configuration_invalid',
    `The configuration ${SETTINGS_KEY}: ${member} ${message}.`,
    {
      retriable: false,
    },
  );
}
