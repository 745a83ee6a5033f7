import { Controller, Get, Inject, NotFoundException, Param, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { absent, Cache, CacheAside, cacheControlsOf, cachedAnswer } from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ModelInfos, type ModelInfo } from './model-infos.js';

/** Called for requests that have passed the application's access rules. */
export type ModelInfoCallerOf = (request: FastifyRequest) => { readonly tenant: string };

export const MODEL_INFO_CALLER_OF = Symbol('whose models');

type Named = ModelInfo & { readonly provider: string; readonly model: string };

const LONGEST_NAME = 200;
const SCHEMA = {
  type: 'object' as const,
  required: ['provider', 'model', 'status', 'last_check', 'avg_response_time'],
  properties: {
    provider: { type: 'string', example: 'openai' },
    model: { type: 'string', example: 'gpt-4o-mini' },
    status: { type: 'string', enum: ['available', 'unknown', 'unauthorized', 'limited', 'unavailable'] },
    last_check: { type: 'string', format: 'date-time' },
    avg_response_time: { type: 'number', nullable: true, description: 'Seconds; null: it has never answered' },
  },
};

/** Whether models can be had. The provider is asked for the model's description, which costs nothing. */
@ApiTags('Models')
@ApiBearerAuth()
@Controller('v1/models/info')
export class ModelInfoController {
  constructor(
    @Inject(ModelInfos) private readonly infos: ModelInfos,
    @Inject(Cache) private readonly cache: Cache,
    @Inject(CacheAside) private readonly aside: CacheAside,
    @Inject(MODEL_INFO_CALLER_OF) private readonly callerOf: ModelInfoCallerOf,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Status of the models that were used in the last seven days' })
  @ApiOkResponse({ schema: { type: 'object', properties: { models: { type: 'array', items: SCHEMA } } } })
  async list(@Req() request: FastifyRequest): Promise<{ models: readonly Named[] }> {
    const models = await this.infos.list(this.callerOf(request).tenant);
    return { models: models.map(({ tenant: _tenant, ...info }) => info) };
  }

  @Get(':provider/:model')
  @ApiOperation({ summary: 'Status of one model, at most an hour old; `no-cache` asks the provider now' })
  @ApiOkResponse({ schema: SCHEMA })
  @ApiNotFoundResponse({ description: 'No such provider is configured for this model' })
  async show(
    @Req() request: FastifyRequest,
    @Param('provider') provider: string,
    @Param('model') model: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Named> {
    if (provider.length > LONGEST_NAME || model.length > LONGEST_NAME) throw notFound();
    const wanted = { tenant: this.callerOf(request).tenant, provider, model };
    const { value, headers } = await cachedAnswer(
      { cache: this.cache, aside: this.aside },
      { ref: this.infos.refOf(wanted), load: () => this.infos.probe(wanted) },
      cacheControlsOf(request.headers),
    );
    if (value === absent) throw notFound();
    reply.headers(headers);
    return { provider, model, ...(value as ModelInfo) };
  }
}

function notFound(): NotFoundException {
  return new NotFoundException('No such provider is configured for this model.');
}
