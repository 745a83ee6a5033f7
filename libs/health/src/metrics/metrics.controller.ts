import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiProduces, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { HEALTH_OPTIONS, type HealthOptions } from '../health-options.js';

@ApiTags('Operations')
@Controller('metrics')
export class MetricsController {
  constructor(@Inject(HEALTH_OPTIONS) private readonly options: HealthOptions) {}

  @Get()
  @Header('cache-control', 'no-store')
  @ApiOperation({ summary: 'Metrics of this process in the Prometheus exposition format' })
  @ApiProduces('text/plain')
  @ApiOkResponse({ description: 'The metrics', schema: { type: 'string' } })
  async metrics(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const { metrics } = this.options;
    if (metrics === undefined) return '';
    void reply.header('content-type', metrics.contentType);
    return metrics.expose();
  }
}
