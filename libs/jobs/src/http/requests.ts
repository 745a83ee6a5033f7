import { ProblemError, type FieldError } from '@promptsales/http-edge';
import type { FastifyRequest } from 'fastify';
import {
  campanaIdOf,
  generationRequest,
  UnusableRequestError,
  type GenerationRequest,
} from '../job/generation-request.js';
import { isPriority, PRIORITIES, type Priority } from '../job/priority.js';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const LONGEST_KEY = 200;

export interface EnqueueRequest {
  readonly request: GenerationRequest;
  readonly priority: Priority;
}

/**
 * `{campana_id, segmento, priority?}`; of a campaign's own route the campaign is the path's.
 * @throws ProblemError `validation_failed`
 */
export function enqueueRequest(body: unknown, campanaId?: string): EnqueueRequest {
  const given = typeof body === 'object' && body !== null && !Array.isArray(body) ? body : null;
  const priority: unknown = given === null ? undefined : (Reflect.get(given, 'priority') as unknown);
  const path = campanaId === undefined ? {} : { campana_id: campanaId };
  const faults: FieldError[] = [];
  if (priority !== undefined && priority !== null && !isPriority(priority)) {
    faults.push({ path: 'priority', message: `must be one of ${PRIORITIES.join(', ')}` });
  }
  const request = checked(() => generationRequest(given === null ? body : { ...given, ...path }), faults);
  return { request, priority: isPriority(priority) ? priority : 'normal' };
}

/** @throws ProblemError `validation_failed` */
export function campanaIdIn(text: string): string {
  return checked(() => campanaIdOf(text));
}

export function isJobId(text: string): boolean {
  return UUID.test(text);
}

/** @throws ProblemError `not_found`: nothing has such a name */
export function jobIdIn(text: string): string {
  if (!isJobId(text)) throw noJob();
  return text.toLowerCase();
}

export function noJob(): ProblemError {
  return new ProblemError('not_found', 'There is no job of this id.');
}

/**
 * `{id?}`: the job to be replayed; undefined: all. Every job costs money, so nothing but the absence of an id means all.
 * @throws ProblemError `validation_failed`
 */
export function replayRequest(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body !== 'object' || Array.isArray(body)) throw invalid([{ path: '', message: 'must be a JSON object' }]);
  const { id, ...others } = body as { readonly id?: unknown };
  const faults = Object.keys(others).map((path) => ({ path, message: 'is not known' }));
  if (id !== undefined && typeof id !== 'string') faults.push({ path: 'id', message: 'must be the id of a job' });
  if (faults.length > 0) throw invalid(faults);
  return id === undefined ? undefined : jobIdIn(id as string);
}

/** @throws ProblemError `bad_header` */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key !== 'string' || key === '' || key.length > LONGEST_KEY) {
    throw new ProblemError('bad_header', `Idempotency-Key takes 1 to ${LONGEST_KEY} characters.`);
  }
  return key;
}

/** The last event that the client has; 0: none. */
export function lastEventIdOf({ headers }: FastifyRequest): number {
  const id = headers['last-event-id'];
  if (id === undefined || id === '') return 0;
  if (typeof id !== 'string' || !/^\d{1,9}$/.test(id)) {
    throw new ProblemError('bad_header', 'Last-Event-ID takes an id of an event of this stream.');
  }
  return Number(id);
}

/** @param others what is wrong with the request beside that, to be named with it */
function checked<T>(read: () => T, others: readonly FieldError[] = []): T {
  let value: T;
  try {
    value = read();
  } catch (error) {
    if (!(error instanceof UnusableRequestError)) throw error;
    throw invalid([...error.faults, ...others]);
  }
  if (others.length > 0) throw invalid(others);
  return value;
}

function invalid(errors: readonly FieldError[]): ProblemError {
  return new ProblemError('validation_failed', 'The request does not have the expected shape.', { errors });
}
