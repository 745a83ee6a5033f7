import { createHash } from 'node:crypto';
import { BadRequestException, UnprocessableEntityException } from '@nestjs/common';
import { catalogue, KeyspaceError, parseBody, type Family, type KeyRef } from '@promptsales/cache-core';
import type { FastifyRequest } from 'fastify';
import { nearFamilies } from '../invalidation/near-families.js';
import type { KeyOfRequest } from '../management-options.js';

/** The feature that fills the family would not take such a request. */
export class IdentityRefusedError extends Error {
  readonly code = 'unprocessable';
  readonly httpStatus = 422;

  constructor(why: string, options?: ErrorOptions) {
    super(`request: ${why}`, options);
    this.name = 'IdentityRefusedError';
  }
}

/** What is asked: the key of a request to one family, for one tenant. */
export interface IdentityAsked {
  /** The body as it was sent. */
  readonly text: string | null;
  readonly tenant: string;
  readonly asking: FastifyRequest;
}

/**
 * The key under which a request's value is kept.
 *
 * Where it holds the hash of a request, whoever fills the family computes it. Everywhere else the request names the
 * segments, and a token may stand for its hash.
 * @throws IdentityRefusedError, UnprocessableEntityException, BadRequestException
 */
export function identityOf(asked: IdentityAsked, identities: ReadonlyMap<string, KeyOfRequest>): KeyRef {
  const { family, request, endpoint } = read(asked.text);
  const keyOf = identities.get(family.id);
  if (keyOf !== undefined) {
    const body = Buffer.from(JSON.stringify(request));
    return keyOf({ body, asking: asked.asking, ...(endpoint === undefined ? {} : { endpoint }) });
  }
  if (endpoint !== undefined) throw misshapen('endpoint', 'is for families that several endpoints fill');
  if (family.isolatedByIdentity) {
    throw unprocessable(
      'unprocessable',
      'family',
      `No feature of this version keys requests of ${family.id}; its hashes cannot be told.`,
    );
  }
  try {
    return family.at(segmentsOf(family, request), asked.tenant);
  } catch (error) {
    if (error instanceof KeyspaceError) throw unprocessable('unprocessable', 'request', `${error.message}.`);
    throw error;
  }
}

interface Read {
  readonly family: Family;
  readonly request: object;
  readonly endpoint: string | undefined;
}

function read(text: string | null): Read {
  const body = text === null ? null : parseBody(Buffer.from(text));
  const {
    family: id,
    request,
    endpoint,
    ...rest
  } = (body?.value ?? {}) as { readonly family?: unknown; readonly request?: unknown; readonly endpoint?: unknown };
  const [stray] = Object.keys(rest);
  if (typeof id !== 'string') throw misshapen('family', 'takes the id of a family');
  if (stray !== undefined) throw misshapen(stray, 'is not known beside family, request and endpoint');
  if (endpoint !== undefined && typeof endpoint !== 'string') throw misshapen('endpoint', 'takes the path of a route');
  if (typeof request !== 'object' || request === null || Array.isArray(request)) {
    throw misshapen('request', 'takes the request as an object');
  }
  const family = catalogue.family(id);
  if (family === undefined) {
    const near = nearFamilies(id);
    const hint = near.length === 0 ? 'GET /v1/keyspace/families lists them.' : `Did you mean ${near.join(' or ')}?`;
    throw unprocessable('unknown_family', 'family', `There is no family ${JSON.stringify(id.slice(0, 80))}. ${hint}`);
  }
  if (body?.faithful === false) {
    throw new IdentityRefusedError(
      'it says what JSON readers disagree about (a number beyond a double, a name given twice, half a surrogate pair), and is keyed by its very bytes',
    );
  }
  return { family, request, endpoint };
}

/** A token is named by itself: its hash is not the caller's to compute. */
function segmentsOf(family: Family, request: object): Readonly<Record<string, string>> {
  const { token, ...segments } = request as Readonly<Record<string, string>>;
  const byToken = family.segmentNames.includes('token_hash') && typeof token === 'string';
  if (!byToken) return request as Readonly<Record<string, string>>;
  return { ...segments, token_hash: createHash('sha256').update(token).digest('hex') };
}

function misshapen(path: string, message: string): BadRequestException {
  return new BadRequestException({
    code: 'validation_failed',
    detail: `${path}: ${message}`,
    errors: [{ path, message }],
  });
}

function unprocessable(code: string, path: string, detail: string): UnprocessableEntityException {
  return new UnprocessableEntityException({ code, detail, errors: [{ path, message: detail }] });
}
