import { Controller, Get, Header, Inject, Req, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { HealthAnswer, LiveAnswer, ReadyAnswer, RedisHealthAnswer, redisHealthAnswer } from './health-answers.js';
import { HEALTH_OPTIONS, type HealthOptions } from './health-options.js';
import { RedisHealth } from './redis/redis-health.js';
import { HealthSummary } from './summary/health-summary.js';

/** What the edge knows of the caller; a holder of a key is shown details. */
interface MaybeIdentified {
  readonly principal: object | null;
}

/** Probes. Open to all; figures that describe the installation are for holders of a key. */
@ApiTags('Health')
@Controller('health')
export class HealthController {
  constructor(
    @Inject(HealthSummary) private readonly summary: HealthSummary,
    @Inject(RedisHealth) private readonly redis: RedisHealth,
    @Inject(HEALTH_OPTIONS) private readonly options: HealthOptions,
  ) {}

  @Get()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'State of the whole: healthy, degraded (both 200) or unhealthy (503)' })
  @ApiOkResponse({ type: HealthAnswer })
  @ApiServiceUnavailableResponse({ type: HealthAnswer })
  async health(@Req() caller: MaybeIdentified, @Res({ passthrough: true }) reply: FastifyReply): Promise<HealthAnswer> {
    const { details, ...summary } = await this.summary.report();
    void reply.code(summary.status === 'unhealthy' ? 503 : 200);
    const open = { ...summary, timestamp: new Date().toISOString() };
    if (caller.principal === null) return open;
    return {
      ...open,
      service: this.options.service,
      version: this.options.version,
      phase: this.options.readiness.phase,
      uptime_seconds: Math.floor(process.uptime()),
      details: { ...details },
    };
  }

  @Get('live')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Whether the process itself works; asks nothing else' })
  @ApiOkResponse({ type: LiveAnswer })
  live(): LiveAnswer {
    return { status: 'alive' };
  }

  @Get('ready')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Whether this process should be sent requests' })
  @ApiOkResponse({ type: ReadyAnswer })
  @ApiServiceUnavailableResponse({ type: ReadyAnswer })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadyAnswer> {
    const { phase } = this.options.readiness;
    if (phase !== 'ready') {
      void reply.code(503);
      return { status: phase };
    }
    const { status, database, redis, upstream } = await this.summary.report();
    return { status: 'ready', health: status, database, redis, upstream };
  }

  @Get('redis')
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'State of Redis; 503 when it cannot be reached' })
  @ApiOkResponse({ type: RedisHealthAnswer })
  @ApiServiceUnavailableResponse({ type: RedisHealthAnswer })
  async redisHealth(
    @Req() caller: MaybeIdentified,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<RedisHealthAnswer> {
    const answer = redisHealthAnswer(await this.redis.report(), caller.principal !== null);
    void reply.code(answer.status === 'unhealthy' ? 503 : 200);
    return answer;
  }
}
