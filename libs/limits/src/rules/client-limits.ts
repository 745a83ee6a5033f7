import type { Rate } from '@promptsales/cache-core';
import { actionWindow, clientMinute, toolHour } from '../counter/counter.js';
import type { Limit } from '../limit.js';

/** A request of a client to the MCP gateway, whose tenant has said how often it may come. */
export interface ClientRequest {
  readonly client: string;
  readonly tenant: string;
  /** Null: it calls no tool. */
  readonly tool: string | null;
  /** Null: as often as it likes. */
  readonly rate: Rate | null;
  readonly maxRequestsPerHour: number;
}

const HOUR_SECONDS = 3600;

/**
 * Every request of a client counts once against each, whichever server and tool it is for. What it calls of each tool is
 * counted besides, at the documented key.
 */
export function clientLimits({ client, tenant, tool, rate, maxRequestsPerHour }: ClientRequest): readonly Limit[] {
  const limits: Limit[] = [
    {
      name: 'client_max_requests_hora',
      counter: actionWindow(client, '@mcp.max_requests_hora', HOUR_SECONDS, tenant),
      most: maxRequestsPerHour,
      onOutage: 'open',
    },
  ];
  if (rate !== null) {
    const { requests, windowSeconds } = rate;
    const counter =
      windowSeconds === 60
        ? clientMinute(client, 'mcp', tenant)
        : actionWindow(client, '@mcp.rate_limit', windowSeconds, tenant);
    limits.unshift({ name: 'client_rate_limit', counter, most: requests, onOutage: 'open' });
  }
  if (tool !== null) {
    limits.push({ name: 'client_tool', counter: toolHour(tool, client, tenant), most: null, onOutage: 'open' });
  }
  return limits;
}
