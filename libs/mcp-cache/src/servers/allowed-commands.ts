/**
 * What a server may be started with: a command, or one with the arguments that it must begin with. (`node` alone allows whatever
 * `node` can be made to do; `npx -y @acme/crm-mcp` allows that package, with arguments of its own.)
 */
export function isAllowedCommand(allowed: readonly string[], command: string, args: readonly string[]): boolean {
  return allowed.some((one) => {
    const [program, ...first] = one.split(' ');
    return program === command && first.every((argument, at) => args[at] === argument);
  });
}
