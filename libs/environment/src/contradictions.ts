import type { VariableProblem } from './environment-error.js';
import type { Secret } from './secret.js';
import { spelled } from './variable.js';
import { REDIS_ROLES } from './variables.js';

/** As much of the redis section as takes part in contradictions. */
interface Subject {
  readonly redis: {
    readonly url: Secret | null;
    readonly urlByRole: Readonly<Partial<Record<string, Secret>>>;
    readonly clusterNodes: readonly unknown[] | null;
    readonly sentinels: readonly unknown[] | null;
    readonly sentinelName: string | null;
    readonly password: Secret | null;
    readonly layout: 'databases' | 'single' | null;
    readonly databaseByRole: Readonly<Partial<Record<string, number>>>;
  };
  readonly content: { readonly embedderBaseUrl: string | null; readonly embedderModel: string | null };
  readonly upstream: { readonly simulated: boolean; readonly openAiBaseUrl: string | null };
}

/**
 * Values that are each well formed and cannot hold together. `refused` names were reported already; a combination with one
 * of them would only repeat it.
 */
export function contradictions(
  { redis, upstream, content }: Subject,
  given: ReadonlySet<string>,
  refused: ReadonlySet<string>,
): VariableProblem[] {
  const problems: VariableProblem[] = [];
  const say = (variable: string, found: string, takes: string): void => {
    if (!refused.has(variable)) problems.push({ variable, found, takes });
  };
  const has = (name: string): boolean => given.has(name);

  const everyRole = REDIS_ROLES.every((role) => has(`REDIS_URL_${spelled(role)}`));
  if (!everyRole && !has('REDIS_URL') && !has('REDIS_CLUSTER_NODES') && !has('REDIS_SENTINELS')) {
    say(
      'REDIS_URL',
      'is not set',
      'it takes redis://[user:password@]host[:port][/database], or name REDIS_CLUSTER_NODES or REDIS_SENTINELS',
    );
  }
  if (has('REDIS_CLUSTER_NODES') && has('REDIS_SENTINELS')) {
    say(
      'REDIS_SENTINELS',
      'is given together with REDIS_CLUSTER_NODES',
      'a server is one or the other: unset one of them',
    );
  }
  if (has('REDIS_SENTINELS') && !has('REDIS_SENTINEL_NAME')) {
    say('REDIS_SENTINEL_NAME', 'is not set', 'REDIS_SENTINELS needs the name of the primary that they watch');
  }
  if (has('REDIS_SENTINEL_NAME') && !has('REDIS_SENTINELS')) {
    say('REDIS_SENTINELS', 'is not set', 'REDIS_SENTINEL_NAME names a primary, and these say where to ask for it');
  }
  if (redis.clusterNodes !== null && redis.layout === 'databases') {
    say(
      'REDIS_LAYOUT',
      'got "databases" together with REDIS_CLUSTER_NODES',
      'a cluster has database 0 only: use single, or leave it out',
    );
  }
  const single = redis.clusterNodes !== null || redis.layout === 'single';
  for (const [role, database] of Object.entries(redis.databaseByRole)) {
    if (single && database !== undefined && database !== 0) {
      const why =
        redis.clusterNodes === null
          ? 'REDIS_LAYOUT=single puts every role into one database'
          : 'a cluster has database 0 only';
      say(`REDIS_DB_${spelled(role)}`, `got "${database}"`, `${why}: leave it out`);
    }
  }
  problems.push(...databaseOfCache(redis));
  if (
    redis.url !== null &&
    redis.password !== null &&
    passwordOf(redis.url) !== null &&
    passwordOf(redis.url) !== redis.password.reveal()
  ) {
    say('REDIS_PASSWORD', 'is another password than the one in REDIS_URL', 'keep one of the two');
  }
  if (upstream.simulated && upstream.openAiBaseUrl === null && !refused.has('OPENAI_BASE_URL')) {
    say(
      'SIMULATED_UPSTREAM',
      'got "true" without OPENAI_BASE_URL',
      'it takes true only where OPENAI_BASE_URL is the simulated provider',
    );
  }
  if (has('CONTENT_EMBEDDER_BASE_URL') && content.embedderModel === null) {
    say('CONTENT_EMBEDDER_MODEL', 'is not set', 'CONTENT_EMBEDDER_BASE_URL needs the model that is asked for there');
  }
  for (const name of ['CONTENT_EMBEDDER_MODEL', 'CONTENT_EMBEDDER_API_KEY']) {
    if (has(name) && content.embedderBaseUrl === null && !refused.has('CONTENT_EMBEDDER_BASE_URL')) {
      say('CONTENT_EMBEDDER_BASE_URL', 'is not set', `${name} is for the endpoint that it names`);
    }
  }
  return problems;
}

/** A database number in a URL is that of its role (`cache` for REDIS_URL); REDIS_DB_<ROLE> may repeat it, not change it. */
function databaseOfCache(redis: Subject['redis']): VariableProblem[] {
  const urls: [variable: string, role: string, url: Secret][] = Object.entries(redis.urlByRole).flatMap(
    ([role, url]) => (url === undefined ? [] : [[`REDIS_URL_${spelled(role)}`, role, url] as [string, string, Secret]]),
  );
  if (redis.url !== null && redis.urlByRole['cache'] === undefined) urls.push(['REDIS_URL', 'cache', redis.url]);
  return urls.flatMap(([variable, role, url]) => {
    const inUrl = /^\/(\d+)$/.exec(new URL(url.reveal()).pathname)?.[1];
    const inVariable = redis.databaseByRole[role];
    if (inUrl === undefined || inVariable === undefined || Number(inUrl) === inVariable) return [];
    const name = `REDIS_DB_${spelled(role)}`;
    return [
      {
        variable: name,
        found: `got "${inVariable}" while ${variable} says ${Number(inUrl)}`,
        takes: 'keep one of the two',
      },
    ];
  });
}

function passwordOf(url: Secret): string | null {
  const { password } = new URL(url.reveal());
  return password === '' ? null : decoded(password);
}

/** A raw `%` is legal in a password as far as URL is concerned; then it stands for itself. */
function decoded(text: string): string {
  return /%(?![0-9a-f]{2})/i.test(text) ? text : decodeURIComponent(text);
}
