import { Type } from 'typebox';
import { Compile } from 'typebox/compile';

/** One message, in the fields that its readers know. */
export interface CampaignMessage {
  readonly numero: number;
  readonly texto: string;
  readonly tono: string;
}

const MOST_MESSAGES = 100;

const ANSWER = Type.Object(
  {
    mensajes: Type.Array(
      Type.Object(
        { numero: Type.Integer(), texto: Type.String(), tono: Type.String() },
        { required: ['numero', 'texto', 'tono'], additionalProperties: false },
      ),
    ),
  },
  { required: ['mensajes'], additionalProperties: false },
);

const CHECK = Compile(ANSWER);

/** What a model is told to answer in (`response_format`). */
export const ANSWER_FORMAT = {
  type: 'json_schema',
  json_schema: { name: 'mensajes_de_campana', strict: true, schema: ANSWER },
} as const;

export const INVALID_ANSWER = 'invalid_answer';

/** The model answered with something else than it was asked for. */
export class InvalidAnswerError extends Error {
  readonly code = INVALID_ANSWER;

  constructor(reason: string) {
    super(`The model's answer ${reason}.`);
    this.name = 'InvalidAnswerError';
  }
}

/**
 * The messages in a model's answer, in the order of their numbers.
 * @throws InvalidAnswerError
 */
export function messagesIn(content: string): readonly CampaignMessage[] {
  let answer: unknown;
  try {
    answer = JSON.parse(content);
  } catch {
    throw new InvalidAnswerError('is no JSON');
  }
  if (!CHECK.Check(answer)) throw new InvalidAnswerError('does not have the form that it was asked for');
  const { mensajes } = answer;
  if (mensajes.length === 0 || mensajes.length > MOST_MESSAGES) {
    throw new InvalidAnswerError(`has ${mensajes.length} messages; 1 to ${MOST_MESSAGES} are taken`);
  }
  if (new Set(mensajes.map(({ numero }) => numero)).size < mensajes.length) {
    throw new InvalidAnswerError('gives one number to two messages');
  }
  if (mensajes.some(({ texto }) => texto.trim() === '')) throw new InvalidAnswerError('has a message without text');
  if (!JSON.stringify(mensajes).isWellFormed() || /\\u0000|\\ud[89a-f]/i.test(JSON.stringify(mensajes))) {
    throw new InvalidAnswerError('holds a NUL character or half of a character');
  }
  return mensajes
    .map(({ numero, texto, tono }) => ({ numero, texto, tono }))
    .toSorted((one, other) => one.numero - other.numero);
}
