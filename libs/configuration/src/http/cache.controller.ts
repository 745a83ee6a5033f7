import { Controller, Delete, Get, HttpCode, Inject, Param, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiBearerAuth,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProperty,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CONFIGURATION_OPTIONS, type ConfigurationAct, type ConfigurationOptions } from '../configuration-options.js';
import { ConfigurationCache, type Cleared } from '../management/configuration-cache.js';
import { checkedName } from '../name.js';

class ConnectionTestAnswer {
  @ApiProperty() success!: boolean;
  @ApiProperty() connected!: boolean;
  @ApiProperty({ nullable: true, type: Number, description: 'To write a value to Redis and read it back.' })
  latency_ms!: number | null;
  @ApiProperty({ format: 'date-time' }) timestamp!: string;
  @ApiProperty({ nullable: true, type: String }) error!: string | null;
}

class RedisFacts {
  @ApiProperty() connected!: boolean;
  @ApiProperty({ description: 'How long a copy lives.', example: 300 }) ttl_seconds!: number;
}

class CacheStatsAnswer {
  @ApiProperty({ description: 'False when Redis cannot be asked.' }) success!: boolean;
  @ApiProperty() total_cached_configs!: number;
  @ApiProperty({ type: [String], description: 'Without their prefix.' }) cached_keys!: readonly string[];
  @ApiProperty({ description: 'False when there are more keys in Redis than were looked at in a second.' })
  complete!: boolean;
  @ApiProperty({ type: RedisFacts }) redis_info!: RedisFacts;
}

class AcceptedAnswer {
  @ApiProperty({ type: [String], description: 'To be followed at `GET /v1/cache/operations/{id}`.' })
  operations!: readonly string[];

  @ApiProperty({ description: 'Redis is away: it is done before anything is read from it again.' })
  pending!: boolean;
}

/** The copies of a tenant's configurations in Redis. */
@ApiTags('Configuration')
@ApiBearerAuth()
@Controller('api/cache')
export class ConfigurationCacheController {
  constructor(
    @Inject(ConfigurationCache) private readonly copies: ConfigurationCache,
    @Inject(CONFIGURATION_OPTIONS) private readonly options: ConfigurationOptions,
  ) {}

  @Get('test')
  @ApiOperation({ summary: 'Write a value to Redis and read it back' })
  @ApiOkResponse({ type: ConnectionTestAnswer })
  async test(@Req() request: FastifyRequest): Promise<ConnectionTestAnswer> {
    const { tenant } = this.options.actorOf(request);
    const { success, connected, latencyMs, timestamp, error } = await this.copies.test(tenant);
    return { success, connected, latency_ms: latencyMs, timestamp, error };
  }

  @Get('stats')
  @ApiOperation({ summary: 'Which configurations have a copy in Redis' })
  @ApiOkResponse({ type: CacheStatsAnswer })
  async stats(@Req() request: FastifyRequest): Promise<CacheStatsAnswer> {
    const found = await this.copies.names(this.options.actorOf(request).tenant);
    return {
      success: found !== null,
      total_cached_configs: found?.names.length ?? 0,
      cached_keys: found?.names ?? [],
      complete: found?.complete ?? false,
      redis_info: { connected: found !== null, ttl_seconds: this.copies.ttlSeconds },
    };
  }

  @Delete(':config_key')
  @HttpCode(204)
  @ApiOperation({ summary: 'Drop the copy of one configuration' })
  @ApiNoContentResponse()
  @ApiAcceptedResponse({ type: AcceptedAnswer, description: 'Redis is away' })
  async drop(
    @Req() request: FastifyRequest,
    @Param('config_key') key: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedAnswer | undefined> {
    const { tenant } = this.options.actorOf(request);
    const cleared = await this.copies.drop(checkedName(key, 'config_key'), tenant);
    this.#audit(request, { action: 'configuration_cache.drop', target: `configuration:${key}`, detail: {} });
    return answered(reply, cleared);
  }

  @Delete()
  @HttpCode(204)
  @ApiOperation({
    summary: 'Drop the copies of all configurations',
    description: 'Of providers, systems and clients, the lists of repositories, and the connection test; nothing else.',
  })
  @ApiNoContentResponse()
  @ApiAcceptedResponse({ type: AcceptedAnswer, description: 'It takes longer than a second, or Redis is away' })
  async clear(
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AcceptedAnswer | undefined> {
    const cleared = await this.copies.clear(this.options.actorOf(request).tenant);
    this.#audit(request, { action: 'configuration_cache.clear', target: 'configuration:*', detail: {} });
    return answered(reply, cleared);
  }

  #audit(request: FastifyRequest, act: ConfigurationAct): void {
    this.options.audit(request, act);
  }
}

function answered(reply: FastifyReply, cleared: Cleared): AcceptedAnswer | undefined {
  if (cleared.kind === 'done') return undefined;
  reply.status(202);
  return { operations: cleared.operations, pending: cleared.operations.length === 0 };
}
