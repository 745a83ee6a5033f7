import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problem-details/problem.js';
import type { ProblemReplies } from '../problem-details/problem-reply.js';
import type { AccessRule } from './access-rule.js';
import { attributionOf } from './attribution.js';
import { presentedKey } from './presented-key.js';
import type { Authenticator, Principal } from './principal.js';

export interface AuthenticationOptions {
  readonly authenticator: Authenticator;
  /** Stands in for a key where none is presented, on routes that want a scope; null refuses. */
  readonly anonymous: Principal | null;
  readonly replies: ProblemReplies;
  /** Told of each key that could not be checked where it is optional. */
  readonly keyUnchecked?: () => void;
}

const CHALLENGE = { 'www-authenticate': 'Bearer realm="promptsales"' };

/**
 * One hook in front of every route, Nest's and plain ones alike: who is it, and may they. It runs before a body is read, and
 * without a promise when the key is known. A route without a rule is refused, should one ever come up at run time.
 */
export function requireAccess(instance: FastifyInstance, options: AuthenticationOptions): void {
  const { replies } = options;
  instance.decorateRequest('principal', null);
  instance.decorateRequest('attribution', null);

  instance.addHook('onRequest', (request, reply, done) => {
    const rule = request.routeOptions.config.accessRule;
    if (request.is404 || rule?.access === 'open') {
      done();
      return;
    }
    // It is for the one who asks: `x-api-key`, unlike `Authorization`, keeps no shared cache from storing it.
    if (request.method === 'GET' || request.method === 'HEAD') reply.header('cache-control', 'no-store');
    let found: Principal | null | Promise<Principal | null>;
    try {
      found = identify(request, rule, options);
      if (!(found instanceof Promise)) admit(request, rule, found);
    } catch (error) {
      // Answered here, in the shape of the route, whatever error handler its own context has.
      replies.fail(error, request, reply);
      return;
    }
    if (found instanceof Promise) {
      void admitLater(found, rule, request, reply, replies, done);
      return;
    }
    done();
  });
}

/** For keys that have to be looked up. */
async function admitLater(
  found: Promise<Principal | null>,
  rule: AccessRule | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  replies: ProblemReplies,
  done: () => void,
): Promise<void> {
  try {
    admit(request, rule, await found);
  } catch (error) {
    replies.fail(error, request, reply);
    return;
  }
  done();
}

function identify(
  request: FastifyRequest,
  rule: AccessRule | undefined,
  { authenticator, anonymous, keyUnchecked }: AuthenticationOptions,
): Principal | null | Promise<Principal | null> {
  if (rule === undefined) throw new ProblemError('forbidden', 'Nobody may call this route.');
  const presented = presentedKey(request.headers);
  if (rule.access === 'optional') {
    return presented.kind === 'key' ? orNobody(authenticator, presented.key, keyUnchecked) : null;
  }
  if (presented.kind === 'key') return authenticator.authenticate(presented.key);
  // It has scopes and is no key: a route for whoever has a key is not for everybody.
  return presented.kind === 'none' && rule.access === 'scope' ? anonymous : null;
}

/** On an open route a key only adds; one that cannot be checked at the moment adds nothing, and is counted. */
function orNobody(
  authenticator: Authenticator,
  key: string,
  keyUnchecked: (() => void) | undefined,
): Principal | null | Promise<Principal | null> {
  const nobody = (): null => {
    keyUnchecked?.();
    return null;
  };
  try {
    const found = authenticator.authenticate(key);
    return found instanceof Promise ? found.catch(nobody) : found;
  } catch {
    return nobody();
  }
}

function admit(request: FastifyRequest, rule: AccessRule | undefined, principal: Principal | null): void {
  if (principal === null) {
    if (rule?.access === 'optional') return;
    throw new ProblemError('unauthenticated', unauthenticatedDetail(request), { headers: CHALLENGE });
  }
  if (rule?.access === 'scope' && !rule.scopes.some((scope) => principal.scopes.has(scope))) {
    const wanted = rule.scopes.map((scope) => `"${scope}"`).join(' or ');
    throw new ProblemError('forbidden', `This key does not have the scope ${wanted}.`);
  }
  request.principal = principal;
  request.attribution = attributionOf(request.raw);
}

function unauthenticatedDetail(request: FastifyRequest): string {
  return presentedKey(request.headers).kind === 'none'
    ? 'Present an API key, as "Authorization: Bearer KEY" or "x-api-key: KEY".'
    : 'The API key is not valid. It may have been revoked, have expired or be mistyped.';
}
