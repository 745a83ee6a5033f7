/** What a client may do, as the application says. */
export interface ClientPermissions {
  readonly active: boolean;
  /** Names of tools, alone or behind their server's (`crm/find_lead`), `crm/*`, `*`. */
  readonly tools: readonly string[];
}

export function mayCall({ tools }: ClientPermissions, server: string, tool: string): boolean {
  return [tool, `${server}/${tool}`, `${server}/*`, '*'].some((name) => tools.includes(name));
}
