import { Body, Controller, HttpCode, Inject, Param, Post, Req, Res, UseGuards } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import {
  absent,
  Cache,
  CacheAside,
  cacheControlsOf,
  cachedAnswer,
  keyspace,
  type ValueOf,
  type WantedAnswer,
} from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { readName } from '../content/content-fields.js';
import { ContentSearch } from '../search/content-search.js';
import { campaignHash, descriptionHash, readSearchRequest } from '../search/search-request.js';
import { SEARCH_BODY, SEARCH_SCHEMA } from './content-schemas.js';
import { TenantGuard, tenantOf } from './tenant-guard.js';

type SearchResult = ValueOf<typeof keyspace.contentSearch>;
type CampaignResult = ValueOf<typeof keyspace.contentSearchCampaign>;
type Answer = SearchResult & { readonly cached: boolean };

const REUSED: ReadonlySet<string | undefined> = new Set(['HIT', 'STALE', 'COALESCED']);
/** How long it is remembered that nothing was found, unless a write comes first. */
const NOTHING_FOR_SECONDS = 600;
const STEERED = '`Cache-Control`, `x-cache-ttl`, `x-cache-tags` and `x-cache-namespace` steer the cache.';
const FAULTS = { description: '`validation_failed`: `errors` names each member' };

@ApiTags('Content')
@ApiBearerAuth()
@UseGuards(TenantGuard)
@Controller('v1')
export class SearchController {
  constructor(
    @Inject(ContentSearch) private readonly search: ContentSearch,
    @Inject(Cache) private readonly cache: Cache,
    @Inject(CacheAside) private readonly aside: CacheAside,
  ) {}

  @Post('content/search')
  @HttpCode(200)
  @ApiOperation({ summary: 'Find content by what it is about', description: STEERED })
  @ApiBody({ schema: SEARCH_BODY })
  @ApiOkResponse({ schema: SEARCH_SCHEMA })
  @ApiBadRequestResponse(FAULTS)
  async inAll(
    @Req() request: FastifyRequest,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const tenant = tenantOf(request);
    const wanted = readSearchRequest(body);
    const hash = descriptionHash({ tenant, space: this.search.space }, wanted);
    const { value, cached } = await this.#cached(request, reply, {
      ref: keyspace.contentSearch.at({ description_hash: hash }, tenant),
      load: () => this.search.inAll(tenant, wanted),
    });
    return { ...(value as SearchResult), cached };
  }

  @Post('campaigns/:campana_id/content/search')
  @HttpCode(200)
  @ApiOperation({ summary: 'Find content of one campaign by what it is about', description: STEERED })
  @ApiBody({ schema: SEARCH_BODY })
  @ApiOkResponse({ schema: SEARCH_SCHEMA })
  @ApiBadRequestResponse(FAULTS)
  async inCampaign(
    @Req() request: FastifyRequest,
    @Param('campana_id') campaign: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const tenant = tenantOf(request);
    const campanaId = readName(campaign, 'campana_id');
    const wanted = readSearchRequest(body);
    const hash = campaignHash({ tenant, space: this.search.space }, campanaId, wanted);
    const { value, cached } = await this.#cached(request, reply, {
      ref: keyspace.contentSearchCampaign.at({ campana_id: campanaId, query_hash: hash }, tenant),
      load: () => this.search.inCampaign(tenant, campanaId, wanted),
      options: { negativeTtlSeconds: NOTHING_FOR_SECONDS },
    });
    const age = Number(reply.getHeader('age') ?? 0);
    const shown = await this.search.shown(
      tenant,
      value === absent ? new Map() : (value as CampaignResult),
      wanted.limit,
    );
    const images = shown.map(({ hashtags, ...image }) => ({ ...image, hashtags: [...hashtags] }));
    return { images, timestamp: new Date(Date.now() - age * 1000).toISOString(), cached };
  }

  async #cached(
    request: FastifyRequest,
    reply: FastifyReply,
    wanted: WantedAnswer,
  ): Promise<{ readonly value: unknown; readonly cached: boolean }> {
    const controls = cacheControlsOf(request.headers);
    const { value, headers } = await cachedAnswer({ cache: this.cache, aside: this.aside }, wanted, controls);
    reply.headers(headers);
    return { value, cached: REUSED.has(headers['x-cache']) };
  }
}
