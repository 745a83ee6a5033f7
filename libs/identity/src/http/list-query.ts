import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import type { PageRequest } from '../paging/cursor.js';
import { IsPrintableText } from './printable-text.js';

/** `?limit=&cursor=&tenant=` */
export class ListQuery {
  @ApiPropertyOptional({ default: 50, minimum: 1, maximum: 200 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before.' })
  @IsOptional()
  @IsString()
  @MaxLength(100)
  cursor?: string;

  @ApiPropertyOptional({ description: 'Only this tenant’s.' })
  @IsOptional()
  @IsPrintableText(128)
  tenant?: string;
}

export function pageRequest(query: ListQuery): PageRequest {
  return { limit: query.limit ?? 50, ...(query.cursor === undefined ? {} : { cursor: query.cursor }) };
}
