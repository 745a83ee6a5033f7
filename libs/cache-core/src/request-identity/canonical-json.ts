/**
 * RFC 8785 canonical JSON: no white space, properties sorted by the UTF-16 units of their names, numbers and strings as ECMAScript writes
 * them. Own code, because the identity of a request is the product's core and needs three things at once in one walk: the text, a count of all
 * properties (see `json-scan.ts`), and a declared list of paths left out.
 */

export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** A path of property names from the top of a body. Paths do not enter arrays. */
export type OmittedPath = readonly string[];

/** Paths as a tree: `true` where a path ends. */
type Omissions = ReadonlyMap<string, Omissions | true>;

export interface CanonicalText {
  readonly text: string;
  /** Properties of all objects in the value, those left out included. */
  readonly properties: number;
}

export function canonicalJson(value: JsonValue, omit: readonly OmittedPath[] = []): CanonicalText {
  const writer = new CanonicalWriter();
  const text = writer.write(value, omissionsOf(omit)) ?? '{}';
  return { text, properties: writer.properties };
}

const trees = new WeakMap<readonly OmittedPath[], Omissions>();

/** Callers pass the same list for each request of an operation, so its tree is made once. */
function omissionsOf(paths: readonly OmittedPath[]): Omissions | undefined {
  if (paths.length === 0) return undefined;
  let tree = trees.get(paths);
  if (tree === undefined) {
    tree = omissionTree(paths);
    trees.set(paths, tree);
  }
  return tree;
}

function omissionTree(paths: readonly OmittedPath[]): Omissions {
  const tree = new Map<string, Omissions | true>();
  for (const path of paths) {
    const [name] = path;
    if (name === undefined || tree.get(name) === true) continue;
    const inside = paths.filter((other) => other[0] === name).map((other) => other.slice(1));
    tree.set(name, inside.some((rest) => rest.length === 0) ? true : omissionTree(inside));
  }
  return tree;
}

class CanonicalWriter {
  properties = 0;

  /** `undefined` when the value is an object of which the omissions left nothing. */
  write(value: JsonValue, omit: Omissions | undefined): string | undefined {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'object':
        if (value === null) return 'null';
        return isArray(value) ? this.#array(value) : this.#object(value, omit);
      case 'number':
        // -0 is written 0, as RFC 8785 has it.
        return `${value}`;
      default:
        return value ? 'true' : 'false';
    }
  }

  #array(items: readonly JsonValue[]): string {
    let text = '[';
    for (let index = 0; index < items.length; index++) {
      if (index > 0) text += ',';
      text += this.write(items[index] ?? null, undefined);
    }
    return `${text}]`;
  }

  #object(value: { readonly [name: string]: JsonValue }, omit: Omissions | undefined): string | undefined {
    // The default order of sorting is that of UTF-16 units.
    const names = Object.keys(value).toSorted();
    this.properties += names.length;
    let text = '';
    for (const name of names) {
      const content = value[name] ?? null;
      const rule = omit?.get(name);
      if (rule === true) {
        // Left out, but its properties are counted all the same.
        this.write(content, undefined);
        continue;
      }
      const written = this.write(content, rule);
      if (written !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${written}`;
    }
    return text === '' && omit !== undefined && names.length > 0 ? undefined : `{${text}}`;
  }
}

/** `Array.isArray` does not narrow away a readonly array. */
function isArray(value: object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
