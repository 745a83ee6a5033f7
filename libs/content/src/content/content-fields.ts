/** What a caller says of a piece of content. Field names are those of the family `content.by_id`. */
import { BadRequestException } from '@nestjs/common';

export interface ContentFields {
  readonly campana_id: string;
  readonly cliente_id: string;
  readonly descripcion: string;
  readonly hashtags: readonly string[];
  readonly url_almacenamiento: string | null;
  readonly url_thumbnail: string | null;
  readonly formato: string;
  readonly aprobado: boolean;
  /** Null: when it was stored first. */
  readonly created_at: Date | null;
}

interface Fault {
  readonly path: string;
  readonly message: string;
}

const LONGEST = { name: 200, descripcion: 10_000, url: 2048, hashtag: 200, hashtags: 100 } as const;
const NUL = '\0';

export function invalid(errors: readonly Fault[]): BadRequestException {
  const detail = errors.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return new BadRequestException({ code: 'validation_failed', detail, errors });
}

/** @throws BadRequestException that names each field */
export function readContentFields(body: unknown): ContentFields {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ path: 'body', message: 'must be a JSON object' }]);
  }
  const faults: Fault[] = [];
  const given = new Map(Object.entries(body));
  const take = (name: string): unknown => {
    const value: unknown = given.get(name);
    given.delete(name);
    return value ?? undefined;
  };
  const text = (name: string, longest: number): string => {
    const value = take(name);
    if (isText(value, longest) && value !== '') return value;
    faults.push({ path: name, message: `must be a text of 1 to ${longest} characters` });
    return '';
  };
  const url = (name: string): string | null => {
    const value = take(name);
    if (value === undefined) return null;
    if (isText(value, LONGEST.url) && /^https?:\/\//i.test(value) && URL.canParse(value)) return value;
    faults.push({ path: name, message: 'must be an http or https address, or null' });
    return null;
  };
  const fields: ContentFields = {
    campana_id: text('campana_id', LONGEST.name),
    cliente_id: text('cliente_id', LONGEST.name),
    descripcion: text('descripcion', LONGEST.descripcion),
    hashtags: readHashtags(take('hashtags'), faults),
    url_almacenamiento: url('url_almacenamiento'),
    url_thumbnail: url('url_thumbnail'),
    formato: text('formato', LONGEST.name),
    aprobado: readFlag(take('aprobado'), faults),
    created_at: readMoment(take('created_at'), faults),
  };
  for (const name of given.keys()) faults.push({ path: name, message: 'is not known' });
  if (faults.length > 0) throw invalid(faults);
  return fields;
}

/** @throws BadRequestException */
export function readName(value: string, path: string): string {
  if (isText(value, LONGEST.name) && value !== '') return value;
  throw invalid([{ path, message: `must be a text of 1 to ${LONGEST.name} characters` }]);
}

/** PostgreSQL has no NUL in texts, and UTF-8 no half of a pair. */
function isText(value: unknown, longest: number): value is string {
  return typeof value === 'string' && value.length <= longest && !value.includes(NUL) && value.isWellFormed();
}

function readHashtags(value: unknown, faults: Fault[]): readonly string[] {
  if (value === undefined) return [];
  const fits =
    Array.isArray(value) && value.length <= LONGEST.hashtags && value.every((one) => isText(one, LONGEST.hashtag));
  if (fits) return value;
  faults.push({ path: 'hashtags', message: `must be an array of ${LONGEST.hashtags} texts at most` });
  return [];
}

function readFlag(value: unknown, faults: Fault[]): boolean {
  if (value === undefined) return false;
  if (typeof value === 'boolean') return value;
  faults.push({ path: 'aprobado', message: 'must be true or false' });
  return false;
}

function readMoment(value: unknown, faults: Fault[]): Date | null {
  if (value === undefined) return null;
  const iso = typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value);
  if (iso && !Number.isNaN(Date.parse(value))) return new Date(value);
  faults.push({ path: 'created_at', message: 'must be a time such as 2026-11-21T12:00:00Z' });
  return null;
}
