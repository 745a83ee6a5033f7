import type { ApiBodyOptions } from '@nestjs/swagger';
import { pageSchema } from '@promptsales/http-edge';
import type { KnownField, RecordKind } from '../record/record-kind.js';

type Schema = Extract<ApiBodyOptions, { schema: unknown }>['schema'];

const OWN_FIELDS = 'Any other field is kept as it was sent (at most 100 fields, 32 KiB together).';

function fieldSchema({ shape, longest, description, ...field }: KnownField): Schema {
  if (shape === 'uuid') return { type: 'string', format: 'uuid', description };
  const fallback = field.default === undefined ? {} : { default: field.default };
  return { type: 'string', minLength: 1, maxLength: longest, description, ...fallback };
}

function knownSchemas({ known }: RecordKind): Record<string, Schema> {
  return Object.fromEntries(Object.entries(known).map(([name, field]) => [name, fieldSchema(field)]));
}

export function creationSchema(kind: RecordKind): Schema {
  return {
    type: 'object',
    description: OWN_FIELDS,
    required: Object.keys(kind.known).filter((name) => kind.known[name]?.required),
    properties: {
      id: { type: 'string', format: 'uuid', description: 'Made when it is left out.' },
      ...knownSchemas(kind),
    },
    additionalProperties: true,
  };
}

export function changeSchema(kind: RecordKind): Schema {
  return {
    type: 'object',
    description: `Fields to set; one that is null goes. ${OWN_FIELDS}`,
    properties: knownSchemas(kind),
    additionalProperties: true,
  };
}

export function recordSchema(kind: RecordKind): Schema {
  return {
    type: 'object',
    required: ['id', 'estado', 'version', 'created_at', 'updated_at'],
    properties: {
      id: { type: 'string', format: 'uuid' },
      ...knownSchemas(kind),
      version: { type: 'integer', description: 'Counts the changes of this record, from 1.' },
      created_at: { type: 'string', format: 'date-time' },
      updated_at: { type: 'string', format: 'date-time' },
    },
    additionalProperties: true,
  };
}

export function listSchema(kind: RecordKind): Schema {
  return pageSchema(kind.plural, recordSchema(kind));
}
