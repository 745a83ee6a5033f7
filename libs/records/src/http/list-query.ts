import { ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, IsUUID, Max, MaxLength, Min, NotContains } from 'class-validator';
import type { ListRequest } from '../list/record-list.js';
import { LEADS, OPORTUNIDADES, type RecordKind } from '../record/record-kind.js';

const DEFAULT_LIMIT = 50;
const NUL = '\0';

class ListRecordsQuery {
  @ApiPropertyOptional({ default: DEFAULT_LIMIT, minimum: 1, maximum: 200 })
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit?: number;

  @ApiPropertyOptional({ description: '`next_cursor` of the page before, with the same order and filters.' })
  @IsOptional()
  @IsString()
  @MaxLength(4000)
  cursor?: string;

  @ApiPropertyOptional({
    description: 'Words that begin so, all of them, in any text of the record; without case and accents.',
  })
  @IsOptional()
  @IsString()
  @MaxLength(200)
  q?: string;

  @ApiPropertyOptional({ description: 'Only records in this state.' })
  @IsOptional()
  @IsString()
  @MaxLength(64)
  @NotContains(NUL)
  estado?: string;
}

/** `GET /leads` */
export class ListLeadsQuery extends ListRecordsQuery {
  @ApiPropertyOptional({ enum: sortsOf(LEADS), default: '-created_at', description: 'With `-`: the other way round.' })
  @IsOptional()
  @IsIn(sortsOf(LEADS))
  sort?: string;
}

/** `GET /oportunidades` */
export class ListOportunidadesQuery extends ListRecordsQuery {
  @ApiPropertyOptional({ enum: sortsOf(OPORTUNIDADES), default: '-created_at' })
  @IsOptional()
  @IsIn(sortsOf(OPORTUNIDADES))
  sort?: string;

  @ApiPropertyOptional({ format: 'uuid', description: 'Only those of this lead.' })
  @IsOptional()
  @IsUUID()
  lead_id?: string;
}

export function listRequest(query: ListLeadsQuery | ListOportunidadesQuery): ListRequest {
  const { limit = DEFAULT_LIMIT, cursor, sort = '-created_at', ...given } = query;
  const filters = Object.entries(given).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : []));
  return {
    limit,
    ...(cursor === undefined ? {} : { cursor }),
    sort: sort.replace(/^-/, ''),
    descending: sort.startsWith('-'),
    filters: Object.fromEntries(filters) as Record<string, string>,
  };
}

function sortsOf({ sorts }: RecordKind): string[] {
  return Object.keys(sorts).flatMap((name) => [name, `-${name}`]);
}
