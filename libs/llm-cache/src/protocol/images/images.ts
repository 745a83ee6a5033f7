import { isUtf8 } from 'node:buffer';
import { NO_TOKENS, readImagesUsage } from '../../ledger/openai-usage.js';
import { given, isObject, parsed } from '../json-object.js';
import { OPENAI_ERRORS } from '../openai-error.js';
import {
  NO_FACTS,
  type AnswerFacts,
  type JsonObject,
  type Protocol,
  type RequestFacts,
  type WholeAnswer,
} from '../protocol.js';
import { ImageAssembler } from './assemble.js';
import { lastsFor } from './lasting.js';
import { readImagesRequest } from './request.js';

/**
 * OpenAI's image generation. An image and the stream of its drafts are answers of their own: a stream has drafts that the
 * JSON has not, and only some models have streams, so the provider is asked in the client's own form.
 */
export const IMAGES: Protocol = {
  id: 'openai.images.generations',
  upstreamPath: '/images/generations',
  omittedFromIdentity: [],
  readRequest: readImagesRequest,
  streamedRequest: null,
  assembler: (maxBytes, facts) => new ImageAssembler(maxBytes, facts?.parts ?? 1),
  readWhole,
  synthesise: () => null,
  ...OPENAI_ERRORS,
};

function readWhole(bytes: Buffer, request?: RequestFacts): WholeAnswer | null {
  if (!isUtf8(bytes)) return null;
  const answer = parsed(bytes.toString('utf8'));
  if (!isObject(answer)) return null;
  const { data, error } = answer;
  const usage = readImagesUsage(answer['usage']);
  const facts: AnswerFacts = { ...NO_FACTS, usage };
  if (given(error)) return { json: bytes, facts, defect: 'in_band_error', complaint: null };
  if (!Array.isArray(data) || !data.every(isObject)) return null;
  const keepSeconds = shortest(data);
  if (keepSeconds <= 0) return { json: bytes, facts, defect: 'no_image', complaint: null };
  const billed = usage === null ? billedByThePiece(data.length, request) : facts;
  const whole: WholeAnswer = { json: bytes, facts: billed, defect: null, complaint: null };
  return Number.isFinite(keepSeconds) ? { ...whole, keepSeconds } : whole;
}

/** A model that counts no tokens (DALL·E) costs so much for each image, by its quality and size. */
function billedByThePiece(images: number, request: RequestFacts | undefined): AnswerFacts {
  return { ...NO_FACTS, usage: { ...NO_TOKENS, images }, serviceTier: request?.partTier ?? null };
}

function shortest(images: readonly JsonObject[]): number {
  if (images.length === 0) return 0;
  const now = Date.now();
  return Math.min(...images.map((image) => lastsFor(image, now)));
}
