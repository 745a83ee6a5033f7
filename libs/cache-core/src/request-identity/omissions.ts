/** A path of property names from the top of a body. Paths do not enter arrays. */
export type OmittedPath = readonly string[];

/** Paths as a tree: `true` where a path ends. */
export type Omissions = ReadonlyMap<string, Omissions | true>;

const trees = new WeakMap<readonly OmittedPath[], Omissions>();

/** Callers pass the same list for each request of an operation, so its tree is made once. */
export function omissionsOf(paths: readonly OmittedPath[]): Omissions | undefined {
  if (paths.length === 0) return undefined;
  let tree = trees.get(paths);
  if (tree === undefined) {
    tree = treeOf(paths);
    trees.set(paths, tree);
  }
  return tree;
}

function treeOf(paths: readonly OmittedPath[]): Omissions {
  const tree = new Map<string, Omissions | true>();
  for (const [name] of paths) {
    if (name === undefined || tree.has(name)) continue;
    const inside = paths.filter((path) => path[0] === name).map((path) => path.slice(1));
    tree.set(name, inside.some((rest) => rest.length === 0) ? true : treeOf(inside));
  }
  return tree;
}
