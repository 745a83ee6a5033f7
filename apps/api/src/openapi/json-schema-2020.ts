import type { OpenAPIObject } from '@nestjs/swagger';

/**
 * Schemas of OpenAPI 3.1 are JSON Schema 2020-12, which has no `nullable`; the annotations that they are generated from
 * still speak 3.0. Null becomes a type like the others.
 */
export function toJsonSchema2020(document: OpenAPIObject): OpenAPIObject {
  return rewritten(document) as OpenAPIObject;
}

function rewritten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(rewritten);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([name, inner]): [string, unknown] => [name, rewritten(inner)]);
  const schema = Object.fromEntries(entries);
  if (schema['nullable'] === undefined || typeof schema['nullable'] !== 'boolean') return schema;
  const { nullable, ...rest } = schema;
  return nullable ? withNull(rest) : rest;
}

function withNull(schema: Record<string, unknown>): Record<string, unknown> {
  const values = schema['enum'];
  const withNullValue = Array.isArray(values) ? { ...schema, enum: [...values, null] } : schema;
  if (typeof schema['type'] === 'string') return { ...withNullValue, type: [schema['type'], 'null'] };
  return { anyOf: [schema, { type: 'null' }] };
}
