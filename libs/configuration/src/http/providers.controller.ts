import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiTags } from '@nestjs/swagger';
import { cursorBehind, ListsByName, pageOf, PageQuery, placeIn, RemovesOne, ShowsOne } from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIGURATION_OPTIONS, type ConfigurationOptions } from '../configuration-options.js';
import type { Json } from '../json.js';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { readCopy } from '../stored/configuration-copy.js';
import { Configurations, notThere, type ShownConfiguration } from '../stored/configurations.js';
import { PROVIDER_ANSWER_SCHEMA, PROVIDER_SCHEMA, providerAnswer, providerIn } from './bodies.js';
import { CachedReads } from './cached-reads.js';
import { conditionOf } from './conditions.js';
import { answerStored, StoresConfiguration, TAGGED } from './stores-configuration.js';

const TYPE = 'provider';

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
  @ListsByName('List providers by name', 'providers', PROVIDER_ANSWER_SCHEMA)
  async list(
    @Req() request: FastifyRequest,
    @Query() { limit, cursor }: PageQuery,
  ): Promise<{ providers: readonly Answer[]; next_cursor: string | null }> {
    const { tenant } = this.options.actorOf(request);
    const after = cursor === undefined ? null : placeIn(cursor, isName);
    const found = await this.configurations.list({ tenant, type: TYPE, after, limit: limit + 1 });
    const { items, nextCursor } = pageOf(found, limit, ({ key }) => cursorBehind(key), providerAnswer);
    return { providers: items, next_cursor: nextCursor };
  }

  @Get(':provider')
  @ShowsOne('Show a provider, its secrets masked', { schema: PROVIDER_ANSWER_SCHEMA, description: TAGGED })
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
  @StoresConfiguration('Store a provider in place of what was there', { schema: PROVIDER_ANSWER_SCHEMA })
  @ApiBody({ schema: PROVIDER_SCHEMA })
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
    answerStored(reply, created, configuration.tag);
    return providerAnswer(configuration);
  }

  @Delete(':provider')
  @RemovesOne('Remove a provider')
  async remove(@Req() request: FastifyRequest, @Param('provider') provider: string): Promise<void> {
    const actor = this.options.actorOf(request);
    await this.configurations.remove(actor, provider, TYPE, conditionOf(request.headers));
    await this.directory.refresh();
  }

  @Post(':provider/refresh')
  @HttpCode(200)
  @ShowsOne('Drop the copies in Redis and make them anew', { schema: PROVIDER_ANSWER_SCHEMA })
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

/** PostgreSQL refuses to compare with what it cannot hold. */
const isName = (place: string): boolean => !place.includes('\0');

function answered(reply: FastifyReply, configuration: ShownConfiguration): Answer {
  reply.header('etag', configuration.tag);
  return providerAnswer(configuration);
}
