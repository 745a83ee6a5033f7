/** Servers as the API takes and shows them. */
import { MAX_TTL_SECONDS } from '@promptsales/cache-core';
import { secretQueryNames } from '@promptsales/http-edge';
import { isObject, type JsonObject } from '../json-rpc/message.js';
import { isAllowedCommand } from './allowed-commands.js';
import { decidesWhatRuns } from './deciding-variables.js';
import type { CachePermission, Share, Trust } from './mcp-server.js';
import { McpServerError, type McpServerFault } from './server-error.js';
import { masked, type Secrets } from './server-secrets.js';
import type { SeenServer, ServerSettings, StoredServer } from './stored-server.js';

export const SHARES: readonly [Share, ...Share[]] = ['session', 'principal', 'public'];
export const TRUSTS: readonly [Trust, ...Trust[]] = ['private', 'public'];
const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/i;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const VARIABLE_NAME = /^[a-z_][a-z0-9_]*$/i;
/** The gateway's own, or those of the connection. */
const RESERVED =
  /^(?:mcp-.*|host|content-.*|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|accept)$/i;
const MOST = 200;
const LONGEST = 8192;
/** What an answer adds, so that it may be sent back as it is. */
const ADDED = ['name', 'tenant', 'status', 'created_at', 'updated_at'];
const OF_HTTP = ['url', 'headers', 'private_addresses'];
const OF_STDIO = ['command', 'args', 'env'];
const COMMON = ['trust', 'share', 'tools', 'prompts', 'ttl_cap'];

export interface SentServer {
  readonly settings: ServerSettings;
  /** Masks among them stand for what is stored. */
  readonly secrets: Secrets;
}

export function isServerName(name: string): boolean {
  return NAME.test(name);
}

/**
 * @param allowed commands that a server may be started with
 * @throws McpServerError with every fault and its place
 */
export function serverIn(body: unknown, name: string, allowed: readonly string[]): SentServer {
  const reader = new Reader();
  if (!isServerName(name)) {
    reader.fault(
      'name',
      'must be 1 to 64 letters, digits, ".", "_" or "-", beginning and ending with a letter or digit',
    );
  }
  if (!isObject(body)) throw new McpServerError('validation_failed', 'The server must be a JSON object.');
  reader.only(body, '', [...OF_HTTP, ...OF_STDIO, ...COMMON, ...ADDED]);
  const process = given(body['command']);
  if (process === given(body['url'])) reader.fault('', 'must have either a url or a command');
  for (const other of process ? OF_HTTP : OF_STDIO) {
    if (given(body[other])) reader.fault(other, `cannot be given beside a ${process ? 'command' : 'url'}`);
  }
  const settings: ServerSettings = {
    ...(process
      ? reader.process(body['command'], body['args'], allowed)
      : {
          url: reader.url(body['url']),
          privateAddresses: reader.boolean(body['private_addresses'], 'private_addresses'),
        }),
    trust: reader.oneOf(body['trust'], 'trust', TRUSTS),
    share: reader.oneOf(body['share'], 'share', SHARES),
    tools: reader.permissions(body['tools'], 'tools'),
    prompts: reader.permissions(body['prompts'], 'prompts'),
    ttlCapSeconds: reader.seconds(body['ttl_cap'], 'ttl_cap'),
  };
  const secrets = process
    ? reader.texts(body['env'], 'env', isVariable)
    : reader.texts(body['headers'], 'headers', isHeader);
  reader.refuse();
  return { settings, secrets };
}

class Reader {
  readonly #faults: McpServerFault[] = [];

  fault(path: string, message: string): void {
    this.#faults.push({ path, message });
  }

  refuse(): void {
    const [first] = this.#faults;
    if (first === undefined) return;
    const one = `${first.path === '' ? 'The server' : first.path}: ${first.message}`;
    const message = this.#faults.length === 1 ? one : `${this.#faults.length} members cannot be taken; see "errors".`;
    throw new McpServerError('validation_failed', message, this.#faults);
  }

  only(object: JsonObject, parent: string, known: readonly string[]): void {
    for (const member of Object.keys(object)) {
      if (!known.includes(member)) this.fault(`${parent}${member}`, `is not known here; there are ${known.join(', ')}`);
    }
  }

  /** The first, where nothing is said. */
  oneOf<T extends string>(value: unknown, path: string, choices: readonly [T, ...T[]]): T {
    const found = given(value) ? choices.find((choice) => choice === value) : choices[0];
    if (found === undefined) this.fault(path, `must be one of ${choices.join(', ')}`);
    return found ?? choices[0];
  }

  url(value: unknown): string {
    const url = typeof value === 'string' && value.length <= LONGEST ? URL.parse(value) : null;
    const fits =
      url !== null && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '';
    if (!fits || url.hash !== '') {
      this.fault('url', 'must be an http or https URL without a fragment; credentials belong into headers');
    }
    const [secret] = url === null ? [] : secretQueryNames(url);
    if (secret !== undefined) {
      this.fault('url', `is shown as it is and cannot hold the secret ${secret}; credentials belong into headers`);
    }
    return String(value);
  }

  process(command: unknown, sent: unknown, allowed: readonly string[]): Pick<ServerSettings, 'command' | 'args'> {
    const args = this.#args(sent);
    if (typeof command !== 'string' || !isAllowedCommand(allowed, command, args)) {
      const choice = allowed.length === 0 ? 'it names none' : `it names ${allowed.join(', ')}`;
      this.fault('command', `must be one that MCP_STDIO_ALLOW names, with the arguments that it names; ${choice}`);
    }
    return { command: String(command), args };
  }

  #args(value: unknown): readonly string[] {
    if (!given(value)) return [];
    const fits = Array.isArray(value) && value.length <= MOST && value.every((one) => isText(one));
    if (!fits) this.fault('args', `must be an array of at most ${MOST} texts`);
    return fits ? value : [];
  }

  texts(value: unknown, path: string, problemOf: (name: string, text: string) => string | null): Secrets {
    if (!given(value)) return {};
    if (!isObject(value) || Object.keys(value).length > MOST) {
      this.fault(path, `must be an object of at most ${MOST} texts`);
      return {};
    }
    for (const [name, text] of Object.entries(value)) {
      const problem = isText(text) ? problemOf(name, text) : 'must be a text';
      if (problem !== null) this.fault(`${path}.${name}`, problem);
    }
    return value as Secrets;
  }

  permissions(value: unknown, path: string): Readonly<Record<string, CachePermission>> {
    if (!given(value)) return {};
    if (!isObject(value)) {
      this.fault(path, 'must be an object');
      return {};
    }
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, this.#permission(one, `${path}.${name}`)]),
    );
  }

  seconds(value: unknown, path: string): number | null {
    if (!given(value)) return null;
    const fits = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_TTL_SECONDS;
    if (!fits) this.fault(path, `must be an integer from 1 to ${MAX_TTL_SECONDS} (seconds)`);
    return fits ? (value as number) : null;
  }

  boolean(value: unknown, path: string): boolean {
    if (given(value) && typeof value !== 'boolean') this.fault(path, 'must be true or false');
    return value === true;
  }

  #permission(value: unknown, path: string): CachePermission {
    const said = isObject(value) ? value : {};
    if (!isObject(value)) this.fault(path, 'must be an object');
    else this.only(value, `${path}.`, ['cache', 'ttl', 'force', 'accounting']);
    return {
      cache: this.boolean(said['cache'], `${path}.cache`),
      force: this.boolean(said['force'], `${path}.force`),
      accounting: this.boolean(said['accounting'], `${path}.accounting`),
      ttlSeconds: this.seconds(said['ttl'], `${path}.ttl`),
    };
  }
}

/** Without its secrets and its dates: for the audit log. */
export function serverBody({ settings }: Pick<StoredServer, 'settings'>): JsonObject {
  const { url, privateAddresses = false, command, args } = settings;
  const reached = url === undefined ? { command, args: args ?? [] } : { url, private_addresses: privateAddresses };
  return { ...reached, ...behaviourOf(settings) };
}

/** Of another tenant's server nothing of how it is reached: addresses and arguments can hold secrets too. */
export function serverAnswer(server: SeenServer): JsonObject {
  const { secrets, settings } = server;
  const member = settings.url === undefined ? 'env' : 'headers';
  return {
    name: server.name,
    tenant: server.tenant,
    ...(secrets === null ? behaviourOf(settings) : { ...serverBody(server), [member]: masked(secrets) }),
    created_at: server.createdAt,
    updated_at: server.updatedAt,
  };
}

function behaviourOf({ trust, share, tools, prompts, ttlCapSeconds }: ServerSettings): JsonObject {
  return { trust, share, tools: shown(tools), prompts: shown(prompts), ttl_cap: ttlCapSeconds };
}

function shown(permissions: ServerSettings['tools']): JsonObject {
  return Object.fromEntries(
    Object.entries(permissions).map(([name, { cache, force, accounting, ttlSeconds }]) => [
      name,
      { cache, force, accounting, ttl: ttlSeconds },
    ]),
  );
}

function isHeader(name: string, text: string): string | null {
  if (!HEADER_NAME.test(name) || RESERVED.test(name)) return 'is no header that can be set';
  // A character is a byte on the wire. That of masks is never sent: a mask stands for a secret, or is refused.
  return /^[\t\x20-\x7e\x80-\xff…]*$/.test(text) ? null : 'has characters that a header cannot hold';
}

function isVariable(name: string): string | null {
  if (!VARIABLE_NAME.test(name)) return 'is no name of a variable';
  return decidesWhatRuns(name) ? 'decides which program is run: what MCP_STDIO_ALLOW names is run as it is' : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST && value.isWellFormed() && !value.includes('\0');
}

function given(value: unknown): boolean {
  return value !== undefined && value !== null;
}
