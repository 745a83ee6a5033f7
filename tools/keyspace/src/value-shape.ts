import type { ValueContract } from '@promptsales/cache-core';

/** What lies at a key, as lines of a list: fields and how they are written, or the schema's outline. */
export function valueShape(value: ValueContract): string[] {
  if (value.kind !== 'hash') return [`- value: ${outline(value.schema)}`];
  return [
    '- fields:',
    ...Object.entries(value.fields).map(
      ([name, { form, optional }]) => `  - \`${name}\`: ${form}${optional ? ', optional' : ''}`,
    ),
  ];
}

interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>;
  readonly const?: unknown;
}

function outline(schema: JsonSchema): string {
  const { description, type } = schema;
  if (description !== undefined) return description;
  if (schema.allOf !== undefined) return schema.allOf.map(outline).join(' and ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(outline).join(' or ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.properties !== undefined) return `{${members(schema.properties, schema.required ?? []).join(', ')}}`;
  if (type === 'object') return 'any fields';
  if (schema.items !== undefined) return `[${outline(schema.items)}, …]`;
  return type ?? 'any JSON';
}

function members(properties: Readonly<Record<string, JsonSchema>>, required: readonly string[]): string[] {
  return Object.entries(properties).map(
    ([name, content]) => `\`${name}\`${required.includes(name) ? '' : '?'}: ${outline(content)}`,
  );
}
