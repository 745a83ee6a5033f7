import { BadRequestException } from '@nestjs/common';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsISO8601, IsOptional, IsString, Matches, Max, MaxLength, Min } from 'class-validator';
import { EXPORT_FORMATS, type ExportFormat } from './savings-export.js';
import { SAVINGS_GROUPS, type SavingsGroup } from './savings-report.js';

const MOMENT = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/;
const MOMENT_MESSAGE = '$property must be a day (2026-01-31) or a moment with its offset (2026-01-31T10:00:00Z)';
const DAY_MS = 86_400_000;
const DEFAULT_DAYS = 30;

/** When it was. */
class TimeRequest {
  @ApiPropertyOptional({
    description:
      'First moment: a day (its start, UTC) or a date-time with offset. Default: 30 days before `to`, from the start of that day.',
    example: '2026-01-01',
  })
  @IsOptional()
  @IsISO8601({ strict: true }, { message: MOMENT_MESSAGE })
  @Matches(MOMENT, { message: MOMENT_MESSAGE })
  readonly from?: string;

  @ApiPropertyOptional({
    description: 'Last day, inclusive (UTC), or an exclusive date-time with offset. Default: now.',
    example: '2026-01-31',
  })
  @IsOptional()
  @IsISO8601({ strict: true }, { message: MOMENT_MESSAGE })
  @Matches(MOMENT, { message: MOMENT_MESSAGE })
  readonly to?: string;
}

/** Which lines a request is about. */
export class SpanRequest extends TimeRequest {
  @ApiPropertyOptional({ description: 'One tenant. Without it an administrator sees all, everybody else their own.' })
  @IsOptional()
  @IsString()
  @MaxLength(512)
  readonly tenant?: string;

  @ApiPropertyOptional({ description: 'Only lines of the simulated provider, or only real ones. Default: both.' })
  @IsOptional()
  @IsIn(['true', 'false'])
  readonly simulated?: 'true' | 'false';
}

/** The query of `GET /v1/savings/receipts/{id}`. Without it, the last two days, or what the id itself says. */
export class ReceiptRequest extends TimeRequest {}

/** The query of `GET /v1/savings`. */
export class SavingsRequest extends SpanRequest {
  @ApiPropertyOptional({ enum: SAVINGS_GROUPS, default: 'model' })
  @IsOptional()
  @IsIn(SAVINGS_GROUPS)
  readonly group_by?: SavingsGroup;

  @ApiPropertyOptional({ description: 'The most groups to answer with; the total is always of all.', default: 1000 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(10_000)
  readonly limit?: number;
}

/** The query of `GET /v1/savings/export`. */
export class ExportRequest extends SpanRequest {
  @ApiPropertyOptional({ enum: EXPORT_FORMATS, default: 'ndjson' })
  @IsOptional()
  @IsIn(EXPORT_FORMATS)
  readonly format?: ExportFormat;
}

/**
 * The span that a request means; `to` is exclusive. What was booked in this very millisecond was booked before now.
 *
 * @throws {BadRequestException} when it is empty.
 */
export function spanOf(request: TimeRequest, now: Date): { from: Date; to: Date } {
  const to = request.to === undefined ? new Date(now.getTime() + 1) : endOf(request.to);
  const from = request.from === undefined ? startOfDay(to.getTime() - DEFAULT_DAYS * DAY_MS) : new Date(request.from);
  if (from >= to) {
    const message = `from (${from.toISOString()}) must be before to (${to.toISOString()})`;
    throw new BadRequestException({ message, errors: [{ path: 'from', message }] });
  }
  return { from, to };
}

/** A day ends with its last moment: `to=2026-01-31` includes the 31st. */
function endOf(text: string): Date {
  const moment = new Date(text);
  return text.includes('T') ? moment : new Date(moment.getTime() + DAY_MS);
}

function startOfDay(time: number): Date {
  return new Date(Math.floor(time / DAY_MS) * DAY_MS);
}
