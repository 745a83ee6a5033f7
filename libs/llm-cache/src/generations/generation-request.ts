/** The body of `POST /v1/generations`, and the chat completion that it stands for. */
import { BadRequestException } from '@nestjs/common';
import { isObject } from '../protocol/json-object.js';
import type { JsonObject } from '../protocol/protocol.js';

/** As it is documented, for the ledger. */
export const GENERATIONS_ROUTE = '/v1/generations';

export interface GenerationRequest {
  readonly model: string;
  readonly prompt: string;
  readonly params: JsonObject;
}

interface FieldFault {
  readonly path: string;
  readonly message: string;
}

export class GenerationRequestError extends BadRequestException {
  constructor(errors: readonly FieldFault[]) {
    const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
    super({ code: 'validation_failed', detail, errors });
    this.name = 'GenerationRequestError';
    this.message = detail;
  }
}

const MEMBERS = new Set(['model', 'prompt', 'params']);
/** What the request says otherwise, or what the answer has no place for. */
const NO_PARAMS = ['model', 'messages', 'prompt', 'stream', 'stream_options', 'n'] as const;
const LONGEST_MODEL = 200;

/** @throws GenerationRequestError that names each member that cannot be taken */
export function readGenerationRequest(body: unknown): GenerationRequest {
  if (!isObject(body)) throw new GenerationRequestError([{ path: 'body', message: 'must be a JSON object' }]);
  const { model, prompt, params = {} } = body;
  const faults: FieldFault[] = [];
  if (typeof model !== 'string' || model === '' || model.length > LONGEST_MODEL) {
    faults.push({ path: 'model', message: `must be the name of a model, of ${LONGEST_MODEL} characters at most` });
  }
  if (typeof prompt !== 'string' || prompt === '') faults.push({ path: 'prompt', message: 'must be a text' });
  if (!isObject(params)) faults.push({ path: 'params', message: 'must be an object of parameters of the model' });
  else {
    for (const name of NO_PARAMS) {
      if (Object.hasOwn(params, name)) faults.push({ path: `params.${name}`, message: 'cannot be set here' });
    }
    for (const path of roundedIn(params, 'params')) {
      faults.push({ path, message: 'is an integer that readers of JSON round: it would be taken for its neighbours' });
    }
  }
  for (const name of Object.keys(body)) {
    if (!MEMBERS.has(name))
      faults.push({ path: name, message: 'is not known; parameters of the model go into params' });
  }
  if (faults.length > 0) throw new GenerationRequestError(faults);
  return { model, prompt, params } as GenerationRequest;
}

function roundedIn(value: unknown, path: string): string[] {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? [path] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => roundedIn(member, `${path}.${name}`));
}

/** As OpenAI's chat completions take it. */
export function chatBodyOf({ model, prompt, params }: GenerationRequest): Buffer {
  return Buffer.from(JSON.stringify({ ...params, model, messages: [{ role: 'user', content: prompt }] }));
}
