/**
 * The tag of every entry that was loaded from a REST service or an MCP server, whoever called it: by it, all that a tenant
 * has of the service is invalidated at once.
 */
export function serviceTag(service: string): string {
  return `service:${service}`;
}
