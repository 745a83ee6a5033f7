import { faultsText, type FieldError } from '@promptsales/http-edge';
import { GenerationFailedError } from '../run/generator.js';

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

type Stored = Readonly<Record<string, unknown>>;

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

const LONGEST_MODEL = 200;
const MOST_MESSAGES = 100;
/** What a job says by itself, or what its answer has no place for. */
const NO_PARAMS = ['model', 'messages', 'prompt', 'n', 'stream', 'stream_options', 'response_format'];

/** All that generations cannot be made with. Members that are not ours are the tenant's own. */
export function settingsFaults(stored: Stored): FieldError[] {
  const { model, prompt, mensajes, params } = { ...DEFAULT_SETTINGS, ...stored } as Stored;
  const faults: FieldError[] = [];
  const fault = (path: string, message: string): void => void faults.push({ path, message });
  if (!isText(model) || model.length > LONGEST_MODEL) {
    fault('model', `must be the name of a model, of ${LONGEST_MODEL} characters at most`);
  }
  if (!isText(prompt)) fault('prompt', 'must be a text that is not empty');
  if (typeof mensajes !== 'number' || !Number.isInteger(mensajes) || mensajes < 1 || mensajes > MOST_MESSAGES) {
    fault('mensajes', `must be a whole number from 1 to ${MOST_MESSAGES}`);
  }
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    fault('params', 'must be an object of parameters of the model');
  } else {
    for (const name of NO_PARAMS) if (Object.hasOwn(params, name)) fault(`params.${name}`, 'cannot be set here');
  }
  return faults;
}

/** @throws GenerationFailedError for what was stored before it was checked; the job is tried again when it is replayed */
export function generationSettings(stored: Stored | null): GenerationSettings {
  const faults = settingsFaults(stored ?? {});
  if (faults.length > 0) {
    const message = `The configuration ${SETTINGS_KEY} cannot be used: ${faultsText(faults)}.`;
    throw new GenerationFailedError('configuration_invalid', message, { retriable: false });
  }
  const { model, prompt, mensajes, params } = { ...DEFAULT_SETTINGS, ...stored };
  return { model, prompt, mensajes, params };
}

/** The prompt with what it is about. A value that looks like a placeholder is left as it is. */
export function promptOf(
  { prompt }: Pick<GenerationSettings, 'prompt'>,
  values: Readonly<Record<string, string>>,
): string {
  return prompt.replaceAll(/\{(campana_id|segmento|mensajes)\}/g, (_placeholder, name: string) => values[name] ?? '');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
