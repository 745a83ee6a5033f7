import { BodyError, canonicalJson, LONGEST_SEGMENT_BYTES, parseBody, requestIdentity } from '@promptsales/cache-core';
import { faultsText, type FieldError } from '@promptsales/http-edge';

/** The messages of one segment of a campaign, asked for. */
export interface GenerationRequest {
  readonly campanaId: string;
  /** A name, or an object that describes the segment. */
  readonly segmento: Segmento;
}

export type Segmento = string | number | Readonly<Record<string, unknown>>;

/** What was asked for cannot be generated; `faults` say why, all of them, for whoever sent it. */
export class UnusableRequestError extends Error {
  readonly code = 'generation_request';
  readonly faults: readonly FieldError[];

  constructor(faults: readonly FieldError[]) {
    super(faultsText(faults));
    this.name = 'UnusableRequestError';
    this.faults = faults;
  }
}

const MOST_SEGMENTO_BYTES = 8 * 1024;

/**
 * What applications send: `{"campana_id", "segmento"}`. Other members are theirs.
 * @throws UnusableRequestError
 */
export function generationRequest(value: unknown): GenerationRequest {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UnusableRequestError([{ path: '', message: 'must be a JSON object' }]);
  }
  const { campana_id: given, segmento } = value as Record<string, unknown>;
  const campanaId = asText(given);
  refuse({ campana_id: campanaFault(campanaId), segmento: segmentoFault(segmento) });
  return { campanaId, segmento } as GenerationRequest;
}

/** @throws UnusableRequestError */
export function campanaIdOf(value: unknown): string {
  const campanaId = asText(value);
  refuse({ campana_id: campanaFault(campanaId) });
  return campanaId as string;
}

function refuse(faults: Readonly<Record<string, string | null>>): void {
  const there = Object.entries(faults).flatMap(([path, message]) => (message === null ? [] : [{ path, message }]));
  if (there.length > 0) throw new UnusableRequestError(there);
}

/** A campaign's number is what its digits are. */
function asText(value: unknown): unknown {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
}

function campanaFault(text: unknown): string | null {
  if (typeof text !== 'string' || text === '' || !text.isWellFormed() || text.includes('\0')) {
    return 'must be a text that is not empty, or a whole number';
  }
  if (Buffer.byteLength(text) <= LONGEST_SEGMENT_BYTES) return null;
  return `must be at most ${LONGEST_SEGMENT_BYTES} bytes long`;
}

function segmentoFault(value: unknown): string | null {
  const usable =
    (typeof value === 'string' && value.trim() !== '') ||
    (typeof value === 'number' && Number.isSafeInteger(value)) ||
    (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0);
  if (!usable) return 'must be a text or an object that is not empty';
  const text = writtenAs(value);
  if (text === null) return 'nests too deep';
  // PostgreSQL's jsonb takes neither.
  if (/\\u0000|\\ud[89a-f]/i.test(text.replaceAll('\\\\', ''))) {
    return 'must hold no NUL character and no half of a character';
  }
  if (Buffer.byteLength(text) > MOST_SEGMENTO_BYTES) return `must be at most ${MOST_SEGMENTO_BYTES} bytes long`;
  try {
    const { faithful } = parseBody(Buffer.from(text));
    return faithful ? null : 'must hold no integer that readers of JSON round: it would be taken for its neighbours';
  } catch (error) {
    if (!(error instanceof BodyError)) throw error;
    return error.message;
  }
}

/** Null: it nests deeper than the stack is. */
function writtenAs(value: unknown): string | null {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return null;
  }
}

/** Names a tenant's segment of a campaign in keys: two requests share it when they ask for the same. */
export function segmentoHash(tenant: string, { campanaId, segmento }: GenerationRequest): string {
  return requestIdentity({
    version: 1,
    tenant,
    scope: '',
    namespace: '',
    upstream: '',
    operation: 'campaign.segment',
    headers: {},
    body: parseBody(Buffer.from(JSON.stringify({ campana_id: campanaId, segmento }))),
    omit: [],
  });
}

/** A segment as a model is told of it. */
export function segmentoText(segmento: Segmento): string {
  return typeof segmento === 'object' ? canonicalJson(JSON.stringify(segmento)).text : String(segmento);
}
