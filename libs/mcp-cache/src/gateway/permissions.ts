/** What a client may do, as the application says. */
export interface ClientPermissions {
  readonly active: boolean;
  /** Names of tools, alone or behind their server's (`crm/find_lead`), `crm/*`, `*`. */
  readonly tools: readonly string[];
  /**
   * Counts a request, whether it is answered from the cache or not. One that is refused is not counted.
   * @param tool that it calls; null: none
   */
  admit(tool: string | null): Promise<Admission>;
}

export interface Admission {
  /** Null: it may go on. */
  readonly refused: { readonly retryAfterSeconds: number } | null;
  /** What the client is told of its limits, by names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

export function mayCall({ tools }: Pick<ClientPermissions, 'tools'>, server: string, tool: string): boolean {
  // A name with a slash would read as that of another server's tool.
  const alone = tool.includes('/') ? [] : [tool];
  return [...alone, `${server}/${tool}`, `${server}/*`, '*'].some((name) => tools.includes(name));
}
