/** The body of a search, and the hash by which its result is kept. */
import { parseBody, requestIdentity } from '@promptsales/cache-core';
import { invalid, readName } from '../content/content-fields.js';

export interface SearchRequest {
  readonly description: string;
  readonly limit: number;
}

const DEFAULT_LIMIT = 10;
export const MOST_RESULTS = 100;
const LONGEST = 10_000;

/** @throws BadRequestException that names each member */
export function readSearchRequest(body: unknown): SearchRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid([{ path: 'body', message: 'must be a JSON object' }]);
  }
  const { description, limit = DEFAULT_LIMIT, ...rest } = body as { description?: unknown; limit?: unknown };
  const faults = Object.keys(rest).map((path) => ({ path, message: 'is not known' }));
  const fits = typeof description === 'string' && description.trim() !== '' && description.length <= LONGEST;
  if (!fits || !description.isWellFormed()) {
    faults.push({ path: 'description', message: `must be a text of 1 to ${LONGEST} characters` });
  }
  if (!Number.isInteger(limit) || Number(limit) < 1 || Number(limit) > MOST_RESULTS) {
    faults.push({ path: 'limit', message: `must be an integer from 1 to ${MOST_RESULTS}` });
  }
  if (faults.length > 0) throw invalid(faults);
  return { description: description as string, limit: limit as number };
}

/**
 * A search in a campaign that nobody sends.
 * @throws BadRequestException that names each member
 */
export function readCampaignSearch(body: unknown): SearchRequest & { readonly campanaId: string } {
  const { campana_id: campaign, ...search } = (body ?? {}) as { readonly campana_id?: unknown };
  const campanaId = readName(typeof campaign === 'string' ? campaign : '', 'campana_id');
  return { ...readSearchRequest(search), campanaId };
}

/** Whose search it is, and what is searched for how. */
export interface SearchedBy {
  readonly tenant: string;
  /** The embedder's: another one finds other things. */
  readonly space: string;
}

/** A search in all of the tenant's content, by its description and how many are wanted. */
export function descriptionHash({ tenant, space }: SearchedBy, { description, limit }: SearchRequest): string {
  return identity('content.search', tenant, space, { description, limit });
}

/** A search in one campaign. Its result is kept whole, so how many are wanted does not count. */
export function campaignHash({ tenant, space }: SearchedBy, campanaId: string, { description }: SearchRequest): string {
  return identity('content.search.campaign', tenant, space, { campana_id: campanaId, description });
}

function identity(operation: string, tenant: string, space: string, body: object): string {
  return requestIdentity({
    version: 1,
    tenant,
    scope: 'tenant',
    namespace: '',
    upstream: space,
    operation,
    headers: {},
    body: parseBody(Buffer.from(JSON.stringify(body))),
    omit: [],
  });
}
