import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The platform that the demonstration talks to, and a key for it that is made for this run and revoked after it. */
export interface RunningPlatform {
  readonly address: string;
  readonly adminKey: string;
  /** The counting proxy's own totals, where `npm start` put one before its simulated provider; else null. */
  readonly countsUrl: string | null;
  readonly simulated: boolean;
}

/** What `npm start` writes while it runs. */
interface Running {
  readonly address: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Finds it: `PROMPTSALES_URL` with `ADMIN_API_KEY`, else what `npm start` in this clone says of itself.
 * @throws Error with what to do when there is none
 */
export async function findRunningPlatform(workspaceRoot: string, env: NodeJS.ProcessEnv): Promise<RunningPlatform> {
  const platform = fromVariables(env) ?? fromFile(join(workspaceRoot, '.local/running.json'), env);
  if (platform === null) {
    throw new Error('Nothing runs here. Start it first, in another terminal:  npm start');
  }
  const ready = await fetch(`${platform.address}/health/ready`).catch(() => null);
  if (ready?.status !== 200) throw new Error(`${platform.address} does not answer. Start it first:  npm start`);
  return platform;
}

function fromVariables(env: NodeJS.ProcessEnv): RunningPlatform | null {
  const address = env['PROMPTSALES_URL'];
  const adminKey = env['ADMIN_API_KEY'];
  if (address === undefined) return null;
  if (adminKey === undefined) throw new Error('PROMPTSALES_URL needs ADMIN_API_KEY beside it.');
  return { address: address.replace(/\/$/, ''), adminKey, countsUrl: null, simulated: false };
}

function fromFile(file: string, env: NodeJS.ProcessEnv): RunningPlatform | null {
  if (!existsSync(file)) return null;
  const { address, environment } = JSON.parse(readFileSync(file, 'utf8')) as Running;
  const adminKey = environment['ADMIN_API_KEY'] ?? env['ADMIN_API_KEY'];
  if (adminKey === undefined) throw new Error('npm start was given ADMIN_API_KEY; give the same one to this command.');
  const simulated = environment['SIMULATED_UPSTREAM'] === 'true';
  const upstream = environment['OPENAI_BASE_URL'];
  const countsUrl = simulated && upstream !== undefined ? new URL('/__counts', upstream).href : null;
  return { address, adminKey, countsUrl, simulated };
}

/** Makes a key of a tenant of its own, so that the ledger's lines of this run stand alone. */
export async function makeKey(platform: RunningPlatform, tenant: string): Promise<{ id: string; key: string }> {
  const answer = await fetch(`${platform.address}/v1/keys`, {
    method: 'POST',
    headers: { authorization: `Bearer ${platform.adminKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'demonstration', tenant, scopes: ['llm', 'analytics'] }),
  });
  if (answer.status !== 201) throw new Error(`POST /v1/keys answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as { id: string; key: string };
}

export async function revokeKey(platform: RunningPlatform, id: string): Promise<void> {
  const answer = await fetch(`${platform.address}/v1/keys/${id}`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${platform.adminKey}` },
  });
  if (answer.status !== 204) throw new Error(`DELETE /v1/keys/${id} answered ${answer.status}`);
}

export interface UpstreamCounts {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What really reached the provider, by a witness that knows nothing of the platform; null where there is none. */
export async function upstreamCounts(platform: RunningPlatform): Promise<UpstreamCounts | null> {
  if (platform.countsUrl === null) return null;
  return (await (await fetch(platform.countsUrl)).json()) as UpstreamCounts;
}

export interface SavingsAmount {
  readonly usd: string | null;
  readonly input_tokens: number | null;
  readonly output_tokens: number | null;
}

export interface SavingsTotal {
  readonly requests: number;
  readonly hits: number;
  readonly upstream_calls: number;
  readonly spent: SavingsAmount;
  readonly avoided: SavingsAmount;
  readonly unpriced_requests: number;
}

export async function savings(platform: RunningPlatform, key: string, from: Date): Promise<SavingsTotal> {
  const answer = await fetch(`${platform.address}/v1/savings?from=${encodeURIComponent(from.toISOString())}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  if (answer.status !== 200) throw new Error(`GET /v1/savings answered ${answer.status}: ${await answer.text()}`);
  return ((await answer.json()) as { total: SavingsTotal }).total;
}
