/** Takes one of them. */
export type Choose = <T>(from: readonly T[]) => T;

type Schema = Readonly<Record<string, unknown>>;

/** So deep a schema that refers to itself is followed. */
const DEEPEST = 8;

/**
 * A value of a JSON schema as structured outputs take it (OpenAI's subset: objects, arrays, texts, numbers, booleans, `enum`,
 * `const`, `anyOf`, `$ref` into the schema itself); texts are chosen by `textAt`. Numbers in the items of an array count them, as
 * a model numbers what it lists: no two items share one.
 */
export function valueOf(schema: unknown, choose: Choose, textAt: (choose: Choose) => string): unknown {
  const root = isSchema(schema) ? schema : {};
  return made(root, 0, null);

  /** @param item of the innermost array that the value is in; null outside arrays */
  function made(part: Schema, depth: number, item: number | null): unknown {
    if ('const' in part) return part['const'];
    if (Array.isArray(part['enum'])) return choose(part['enum']);
    if (typeof part['$ref'] === 'string')
      return depth < DEEPEST ? made(referred(root, part['$ref']), depth + 1, item) : null;
    const options = part['anyOf'] ?? part['oneOf'];
    if (Array.isArray(options)) return made(asSchema(depth < DEEPEST ? options[0] : options.at(-1)), depth + 1, item);
    const types = [part['type']].flat();
    switch (types[0]) {
      case 'object':
        return Object.fromEntries(
          Object.entries(asSchema(part['properties'])).map(([name, of]) => [name, made(asSchema(of), depth + 1, item)]),
        );
      case 'array': {
        const least = typeof part['minItems'] === 'number' ? part['minItems'] : depth < DEEPEST ? 1 : 0;
        const most = typeof part['maxItems'] === 'number' ? part['maxItems'] : least + 2;
        const length = Math.max(least, Math.min(most, depth < DEEPEST ? 3 : 0));
        return Array.from({ length }, (_none, at) => made(asSchema(part['items']), depth + 1, at));
      }
      case 'number':
      case 'integer':
        return numberOf(part, item, choose);
      case 'boolean':
        return choose([true, false]);
      case 'null':
        return null;
      default:
        return textAt(choose);
    }
  }
}

function numberOf({ minimum, maximum }: Schema, item: number | null, choose: Choose): number {
  const most = typeof maximum === 'number' ? Math.floor(maximum) : Number.POSITIVE_INFINITY;
  const least = typeof minimum === 'number' ? Math.ceil(minimum) : null;
  if (item === null) return Math.min(most, least ?? choose([1, 2, 3, 5, 8]));
  return Math.min(most, (least ?? 1) + item);
}

function referred(root: Schema, path: string): Schema {
  let at: unknown = root;
  for (const name of path.split('/').slice(1)) at = asSchema(at)[name.replaceAll('~1', '/').replaceAll('~0', '~')];
  return asSchema(at);
}

function asSchema(value: unknown): Schema {
  return isSchema(value) ? value : {};
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null;
}
