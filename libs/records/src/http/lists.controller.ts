import { Controller, Get, Inject, Query, Req, UseGuards } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { LEADS, OPORTUNIDADES, type RecordKind } from '../record/record-kind.js';
import { Records } from '../records.js';
import { ListLeadsQuery, ListOportunidadesQuery, listRequest } from './list-query.js';
import { listSchema } from './record-schemas.js';
import { RecordsGuard, tenantOf } from './records-guard.js';

/** Searched, ordered and paged in PostgreSQL: a list has too many forms to be worth keeping. */
@ApiTags('Records')
@ApiBearerAuth()
@UseGuards(RecordsGuard)
@Controller()
export class ListsController {
  constructor(@Inject(Records) private readonly records: Records) {}

  @Get('leads')
  @ApiOperation({ summary: 'Search leads, in order, by page' })
  @ApiOkResponse({ schema: listSchema(LEADS) })
  leads(@Req() request: FastifyRequest, @Query() query: ListLeadsQuery): Promise<object> {
    return this.#page(LEADS, request, query);
  }

  @Get('oportunidades')
  @ApiOperation({ summary: 'Search opportunities, in order, by page' })
  @ApiOkResponse({ schema: listSchema(OPORTUNIDADES) })
  oportunidades(@Req() request: FastifyRequest, @Query() query: ListOportunidadesQuery): Promise<object> {
    return this.#page(OPORTUNIDADES, request, query);
  }

  async #page(
    kind: RecordKind,
    request: FastifyRequest,
    query: ListLeadsQuery | ListOportunidadesQuery,
  ): Promise<object> {
    const { items, nextCursor } = await this.records.list(kind, tenantOf(request), listRequest(query));
    return { [kind.plural]: items, next_cursor: nextCursor };
  }
}
