/**
 * Within whom a result is shared, and by what it is invalidated. A generation (a version of a tag) belongs to what is
 * shared: a change that one session is told of ends what that session shares, and nothing of anybody else.
 */
import { hash } from 'node:crypto';
import type { Session } from '../session/session-seal.js';
import type { McpServer, Share } from '../servers/mcp-server.js';
import type { JsonObject } from '../json-rpc/message.js';
import type { ListKind } from './cacheable.js';

export interface McpCaller {
  readonly tenant: string;
  readonly keyId: string;
}

/** Names of those who share, each a SHA-256. */
export interface Scopes {
  readonly tenant: string;
  /** Where a result goes that says nothing of it. */
  readonly usual: string;
  readonly principal: string;
  readonly public: string;
  /** All in which results of this caller may lie. */
  readonly all: readonly string[];
}

export function scopesOf(server: McpServer, { tenant, keyId }: McpCaller, session: Session | null): Scopes {
  const named = (...parts: readonly string[]): string =>
    hash('sha256', JSON.stringify(['mcp scope', tenant, server.name, ...parts]), 'hex');
  const share: Share = session === null && server.share === 'session' ? 'principal' : server.share;
  const principal = named('principal', keyId);
  const everybody = named('public');
  const ofShare: Readonly<Record<Share, string>> = {
    session: session === null ? principal : named('session', session.id),
    principal,
    public: everybody,
  };
  const usual = ofShare[share];
  const own = share === 'public' ? principal : usual;
  const all = share === 'public' || server.trust === 'public' ? [own, everybody] : [own];
  return { tenant, usual, principal: own, public: everybody, all };
}

/** Who shares a result: those whom nobody has narrowed or widened, the principal alone, everybody of the tenant. */
export type Circle = 'usual' | 'principal' | 'public';

/** Whom a result may be shared with. What a server calls public is, where the operator trusts it. */
export function circleOfResult({ cacheScope }: JsonObject, server: McpServer): Circle {
  if (cacheScope === 'private') return 'principal';
  return cacheScope === 'public' && server.trust === 'public' ? 'public' : 'usual';
}

/** What can change: a list, one resource, what tools have an effect on, and all of a session. */
export type Subject = ListKind | 'data' | 'everything' | { readonly uri: string };

export function tagOf(scope: string, subject: Subject): string {
  const what = typeof subject === 'string' ? [subject] : ['uri', subject.uri];
  return `mcp-${hash('sha256', JSON.stringify([scope, ...what]), 'hex').slice(0, 40)}`;
}
