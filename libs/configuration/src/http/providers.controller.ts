import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiPreconditionFailedResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIGURATION_OPTIONS, type ConfigurationOptions } from '../configuration-options.js';
import type { Json } from '../json.js';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { readCopy } from '../stored/configuration-copy.js';
import { Configurations, notThere, type ShownConfiguration } from '../stored/configurations.js';
import {
  PageQuery,
  PROVIDER_ANSWER_SCHEMA,
  PROVIDER_LIST_SCHEMA,
  PROVIDER_SCHEMA,
  providerAnswer,
  providerIn,
} from './bodies.js';
import { CachedReads } from './cached-reads.js';
import { conditionOf } from './conditions.js';
import { cursorAfter, nameInCursor } from './cursor.js';

const TYPE = 'provider';
const PAGE = 50;

type Answer = Record<string, Json>;

/** How to call the services that a tenant uses. Secrets are shown masked, and a mask that is sent back stands for its secret. */
@ApiTags('Configuration')
@ApiBearerAuth()
@Controller('api/providers')
export class ProvidersController {
  constructor(
    @Inject(Configurations) private readonly configurations: Configurations,
    @Inject(ProviderDirectory) private readonly directory: ProviderDirectory,
    @Inject(CachedReads) private readonly reads: CachedReads,
    @Inject(CONFIGURATION_OPTIONS) private readonly options: ConfigurationOptions,
  ) {}

  @Get()
  @ApiOperation({ summary: 'List providers by name' })
  @ApiOkResponse({ schema: PROVIDER_LIST_SCHEMA })
  async list(
    @Req() request: FastifyRequest,
    @Query() { limit = PAGE, cursor }: PageQuery,
  ): Promise<{ providers: Answer[]; next_cursor: string | null }> {
    const { tenant } = this.options.actorOf(request);
    const after = cursor === undefined ? null : nameInCursor(cursor);
    const found = await this.configurations.list({ tenant, type: TYPE, after, limit: limit + 1 });
    const shown = found.slice(0, limit);
    const last = found.length > limit ? shown.at(-1) : undefined;
    return { providers: shown.map(providerAnswer), next_cursor: last === undefined ? null : cursorAfter(last.key) };
  }

  @Get(':provider')
  @ApiOperation({ summary: 'Show a provider, its secrets masked' })
  @ApiOkResponse({ schema: PROVIDER_ANSWER_SCHEMA, description: '`ETag` names this state of it' })
  @ApiNotFoundResponse({ description: 'There is none of this name' })
  async show(
    @Req() request: FastifyRequest,
    @Param('provider') provider: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const { tenant } = this.options.actorOf(request);
    const [{ value, headers }] = await Promise.all([
      this.reads.read(this.configurations.row(provider, tenant), request.headers),
      // Whoever reads that in Redis has nobody to ask when it has expired.
      this.configurations.publish(provider, tenant),
    ]);
    const copy = value === null ? null : readCopy(value);
    if (copy?.type !== TYPE) throw notThere(provider, TYPE);
    reply.headers(headers);
    return answered(reply, this.configurations.shown(copy, provider, tenant));
  }

  @Post(':provider')
  @ApiOperation({
    summary: 'Store a provider in place of what was there',
    description: 'A member that is left out is removed. `If-Match` and `If-None-Match: *` are honoured.',
  })
  @ApiBody({ schema: PROVIDER_SCHEMA })
  @ApiOkResponse({ schema: PROVIDER_ANSWER_SCHEMA, description: 'It was replaced' })
  @ApiCreatedResponse({ schema: PROVIDER_ANSWER_SCHEMA, description: 'It is new' })
  @ApiConflictResponse({ description: 'A system’s configuration has this name' })
  @ApiPreconditionFailedResponse({ description: 'It is not in the state that `If-Match` or `If-None-Match` supposes' })
  @ApiUnprocessableEntityResponse({
    description: '`secret_mask`: a mask stands for no secret that is stored; `configuration_invalid`; with places',
  })
  async store(
    @Req() request: FastifyRequest,
    @Param('provider') provider: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const what = { key: provider, type: TYPE, value: providerIn(body, provider) } as const;
    const actor = this.options.actorOf(request);
    const { created, configuration } = await this.configurations.save(actor, what, conditionOf(request.headers));
    await this.directory.refresh();
    reply.status(created ? 201 : 200);
    return answered(reply, configuration);
  }

  @Delete(':provider')
  @HttpCode(204)
  @ApiOperation({ summary: 'Remove a provider' })
  @ApiNoContentResponse()
  @ApiNotFoundResponse({ description: 'There is none of this name' })
  async remove(@Req() request: FastifyRequest, @Param('provider') provider: string): Promise<void> {
    const actor = this.options.actorOf(request);
    await this.configurations.remove(actor, provider, TYPE, conditionOf(request.headers));
    await this.directory.refresh();
  }

  @Post(':provider/refresh')
  @HttpCode(200)
  @ApiOperation({ summary: 'Drop the copies in Redis and make them anew' })
  @ApiOkResponse({ schema: PROVIDER_ANSWER_SCHEMA })
  @ApiNotFoundResponse({ description: 'There is none of this name' })
  async refresh(
    @Req() request: FastifyRequest,
    @Param('provider') provider: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const configuration = await this.configurations.refresh(provider, this.options.actorOf(request).tenant);
    await this.directory.refresh();
    return answered(reply, configuration);
  }
}

function answered(reply: FastifyReply, configuration: ShownConfiguration): Answer {
  reply.header('etag', configuration.tag);
  return providerAnswer(configuration);
}
