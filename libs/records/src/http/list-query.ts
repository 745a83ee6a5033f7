import { ApiPropertyOptional } from '@nestjs/swagger';
import { PageQuery } from '@promptsales/http-edge';
import { IsIn, IsOptional, IsString, IsUUID, MaxLength, NotContains } from 'class-validator';
import type { ListRequest } from '../list/record-list.js';
import { LEADS, OPORTUNIDADES, type RecordKind } from '../record/record-kind.js';

const NUL = '\0';

class ListRecordsQuery extends PageQuery {
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
  const { limit, cursor, sort = '-created_at', ...given } = query;
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
