import { Body, Controller, Get, Inject, Param, Put, Req, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientConfigurations, clientTagOf, type ClientConfiguration } from '../clients/client-configurations.js';
import { ConfigurationError } from '../configuration-error.js';
import { CONFIGURATION_OPTIONS, type ConfigurationOptions } from '../configuration-options.js';
import { ClientConfigurationAnswer, ClientConfigurationBody } from './bodies.js';
import { CachedReads } from './cached-reads.js';
import { conditionOf } from './conditions.js';
import { answerStored, StoresConditionally, TAGGED } from './stores-configuration.js';

/** What the clients of a tenant may call. A client is the name that its API keys carry. */
@ApiTags('Configuration')
@ApiBearerAuth()
@Controller('v1/clients/:client_name/config')
export class ClientsController {
  constructor(
    @Inject(ClientConfigurations) private readonly clients: ClientConfigurations,
    @Inject(CachedReads) private readonly reads: CachedReads,
    @Inject(CONFIGURATION_OPTIONS) private readonly options: ConfigurationOptions,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Show what a client may call' })
  @ApiOkResponse({ type: ClientConfigurationAnswer, description: TAGGED })
  @ApiNotFoundResponse({ description: 'Nothing is configured for this client' })
  async show(
    @Req() request: FastifyRequest,
    @Param('client_name') client: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientConfigurationAnswer> {
    const { tenant } = this.options.actorOf(request);
    const { value, headers } = await this.reads.read(this.clients.row(client, tenant), request.headers);
    if (value === null) throw new ConfigurationError('not_found', `Nothing is configured for the client ${client}.`);
    reply.headers({ ...headers, etag: clientTagOf(value) });
    return value;
  }

  @Put()
  @StoresConditionally('Say what a client may call', { type: ClientConfigurationAnswer })
  async store(
    @Req() request: FastifyRequest,
    @Param('client_name') client: string,
    @Body() { tools_acceso, rate_limit, max_requests_hora, estado }: ClientConfigurationBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ClientConfigurationAnswer> {
    const wanted: ClientConfiguration = { tools_acceso, rate_limit, max_requests_hora, estado };
    const actor = this.options.actorOf(request);
    const { created, configuration } = await this.clients.save(actor, client, wanted, conditionOf(request.headers));
    answerStored(reply, created, clientTagOf(configuration));
    return configuration;
  }
}
