import { Body, Controller, Delete, Get, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { RemovesOne, ShowsOne } from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIGURATION_OPTIONS, type ConfigurationOptions } from '../configuration-options.js';
import { ProviderDirectory } from '../providers/provider-directory.js';
import { readCopy } from '../stored/configuration-copy.js';
import { Configurations, notThere } from '../stored/configurations.js';
import { ConfigurationAnswer, configurationAnswer, ConfigurationBody } from './bodies.js';
import { CachedReads } from './cached-reads.js';
import { conditionOf } from './conditions.js';
import { answerStored, StoresConfiguration, TAGGED } from './stores-configuration.js';

/** Providers' and systems' configurations by name. */
@ApiTags('Configuration')
@ApiBearerAuth()
@Controller('api/configurations')
export class ConfigurationsController {
  constructor(
    @Inject(Configurations) private readonly configurations: Configurations,
    @Inject(ProviderDirectory) private readonly directory: ProviderDirectory,
    @Inject(CachedReads) private readonly reads: CachedReads,
    @Inject(CONFIGURATION_OPTIONS) private readonly options: ConfigurationOptions,
  ) {}

  @Get(':key')
  @ShowsOne('Show a configuration, its secrets masked', { type: ConfigurationAnswer, description: TAGGED })
  async show(
    @Req() request: FastifyRequest,
    @Param('key') key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationAnswer> {
    const { tenant } = this.options.actorOf(request);
    const { value, headers } = await this.reads.read(this.configurations.row(key, tenant), request.headers);
    if (value === null) throw notThere(key, null);
    const configuration = this.configurations.shown(readCopy(value), key, tenant);
    reply.headers({ ...headers, etag: configuration.tag });
    return configurationAnswer(configuration);
  }

  @Post(':key')
  @StoresConfiguration('Store a configuration in place of what was there', { type: ConfigurationAnswer })
  async store(
    @Req() request: FastifyRequest,
    @Param('key') key: string,
    @Body() { value, type }: ConfigurationBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConfigurationAnswer> {
    const actor = this.options.actorOf(request);
    const what = { key, type, value };
    const { created, configuration } = await this.configurations.save(actor, what, conditionOf(request.headers));
    if (type === 'provider') await this.directory.refresh();
    answerStored(reply, created, configuration.tag);
    return configurationAnswer(configuration);
  }

  @Delete(':key')
  @RemovesOne('Remove a configuration: what it configured has its defaults again')
  async remove(@Req() request: FastifyRequest, @Param('key') key: string): Promise<void> {
    const actor = this.options.actorOf(request);
    const type = await this.configurations.remove(actor, key, null, conditionOf(request.headers));
    if (type === 'provider') await this.directory.refresh();
  }
}
