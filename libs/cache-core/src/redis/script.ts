import { readFileSync } from 'node:fs';

/**
 * A Lua script in a file of its own, whose header says what its keys and arguments are. `ARGV[1]` is always the deadline
 * (see `RedisLink.run`). A line `-- @include name` is replaced by the text of `redis/lua/name.lua` of this library.
 */
export interface Script {
  readonly name: string;
  readonly lua: string;
  /** Includes `changes`: its last argument says where to tell of what it changes. The link adds it. */
  readonly tellsChanges: boolean;
}

const loaded = new Map<string, Script>();

/** Every script that has been loaded: a new connection learns them all before its first command. */
export function loadedScripts(): Iterable<Script> {
  return loaded.values();
}

/**
 * Loads a script once, at start.
 * @throws Error when the header does not state the keys, the deadline is not checked, or an include is missing
 */
export function loadScript(url: URL): Script {
  const name = /([^/]+)\.lua$/.exec(url.pathname)?.[1];
  const source = readFileSync(url, 'utf8');
  if (name === undefined || !/^-- keys: \d+/m.test(source)) {
    throw new Error(`${url.pathname}: the header of a script says "-- keys: N"`);
  }
  if (!source.includes('-- @include deadline')) {
    throw new Error(`${url.pathname}: a script refuses to run past its deadline ("-- @include deadline")`);
  }
  const lua = source.replace(/^-- @include (\S+)$/gm, (_line, included: string) =>
    readFileSync(new URL(`./lua/${included}.lua`, import.meta.url), 'utf8'),
  );
  const tellsChanges = source.includes('-- @include changes');
  const script: Script = { name: `ps_${name.replaceAll('-', '_')}`, lua, tellsChanges };
  if ((loaded.get(script.name) ?? script).lua !== lua) throw new Error(`two scripts are named ${name}.lua`);
  loaded.set(script.name, script);
  return script;
}
