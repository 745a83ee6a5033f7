/** By these, a command that is allowed runs code that is not: they say where it is looked for, or what is loaded into it. */
const DECIDING = new RegExp(
  `^(?:${[
    'path|pathext|comspec|shell|bash_env|env|ifs|(?:ld|dyld|glibc|gconv)_.*',
    'node_(?:options|path)|(?:npm|yarn|pnpm)_config_.*|bun_options|deno_.*',
    'python(?:path|home|startup|userbase|breakpoint)|perl5?(?:opt|lib|db)|ruby(?:opt|lib)|gem_(?:path|home)',
    '(?:_java|jdk_java|java_tool)_options|classpath|dotnet_startup_hooks|phprc|php_ini_scan_dir|lua_(?:init|path|cpath).*',
  ].join('|')})$`,
  'i',
);

export function decidesWhatRuns(variable: string): boolean {
  return DECIDING.test(variable);
}
