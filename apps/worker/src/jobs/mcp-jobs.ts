import type { McpServerDirectory, McpStatuses } from '@promptsales/mcp-cache';
import type { Job } from './job.js';

/** Five times within the time to live of a status. */
const EVERY_MS = 60_000;

/** Asks every MCP server whether it is there, and says how it was used, so that who wants to know finds it known. */
export function probeMcpServers(
  directory: Pick<McpServerDirectory, 'all'>,
  statuses: Pick<McpStatuses, 'refresh'>,
): Job {
  return { name: 'mcp.probe', everyMs: EVERY_MS, run: async () => ({ ...(await statuses.refresh(directory.all)) }) };
}
