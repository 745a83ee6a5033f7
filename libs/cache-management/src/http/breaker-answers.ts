import { ApiProperty } from '@nestjs/swagger';
import type { BreakerReport } from '@promptsales/cache-core';

export class BreakerAnswer {
  @ApiProperty({ example: 'openai@api.openai.com' }) service!: string;
  @ApiProperty({ enum: ['closed', 'open', 'half-open'] }) status!: string;
  @ApiProperty({ type: 'integer', nullable: true, description: 'Null when Redis cannot be asked.' })
  failures!: number | null;
  @ApiProperty({ format: 'date-time', type: String, nullable: true }) last_failure!: string | null;
  @ApiProperty({ format: 'date-time', type: String, nullable: true, description: 'When one call may try it again.' })
  next_check!: string | null;
  @ApiProperty({
    enum: ['fleet', 'process'],
    description: '`process`: Redis cannot be asked; the other processes may see it differently.',
  })
  as_seen_by!: string;
}

export class BreakerListAnswer {
  @ApiProperty({ type: BreakerAnswer, isArray: true }) breakers!: readonly BreakerAnswer[];
}

export function breakerAnswer(report: BreakerReport): BreakerAnswer {
  return {
    service: report.service,
    status: report.status,
    failures: report.failures,
    last_failure: report.lastFailure,
    next_check: report.nextCheck,
    as_seen_by: report.asSeenBy,
  };
}
