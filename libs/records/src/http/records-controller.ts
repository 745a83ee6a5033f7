import {
  Body,
  Controller,
  Delete,
  Get,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Req,
  Res,
  type Type,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiHeader,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiPreconditionFailedResponse,
  ApiResponse,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { CachedRoute } from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BusinessRecord } from '../record/business-record.js';
import { invalid } from '../record/record-errors.js';
import type { RecordKind } from '../record/record-kind.js';
import { Records } from '../records.js';
import { EntityTagInterceptor, preconditionOf } from './entity-tag.interceptor.js';
import { changeSchema, creationSchema, recordSchema } from './record-schemas.js';
import { RecordsGuard, tenantOf } from './records-guard.js';

const IF_MATCH = { name: 'if-match', required: false, description: '`ETag` of the state that is meant; else 412.' };
const ID = { name: 'id', schema: { type: 'string', format: 'uuid' } };
const OWNED_BY_ETL = '`records_read_only`: RECORDS_OWNER=etl';

/** The routes of one record of a kind. What is decorated is the same for each, and so it is written once. */
export function recordsController(kind: RecordKind): Type {
  @ApiTags('Records')
  @ApiBearerAuth()
  @UseGuards(RecordsGuard)
  @UseInterceptors(EntityTagInterceptor)
  @Controller(kind.plural)
  class RecordsController {
    constructor(@Inject(Records) private readonly records: Records) {}

    @Post()
    @ApiOperation({ summary: `Make a ${kind.noun}` })
    @ApiBody({ schema: creationSchema(kind) })
    @ApiCreatedResponse({ schema: recordSchema(kind), description: '`Location` and `ETag` name it' })
    @ApiBadRequestResponse({ description: '`validation_failed`: `errors` names each field' })
    @ApiConflictResponse({ description: `The id is taken; ${OWNED_BY_ETL}` })
    @ApiUnprocessableEntityResponse({ description: '`lead_id` is nobody’s' })
    async create(
      @Req() request: FastifyRequest,
      @Body() body: object,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<BusinessRecord> {
      const record = await this.records.create(kind, tenantOf(request), fieldsOf(body));
      reply.header('location', `/${kind.plural}/${record.id}`);
      return record;
    }

    @Get(':id')
    @CachedRoute(kind.family, { key: ({ params }) => ({ uuid: idOf(params['id']) }), tenant: tenantOf })
    @ApiOperation({ summary: `One ${kind.noun}, from the cache; never older than the last acknowledged change` })
    @ApiParam(ID)
    @ApiHeader({ name: 'if-none-match', required: false, description: 'An `ETag` that is known already.' })
    @ApiOkResponse({ schema: recordSchema(kind), description: '`ETag` names its state' })
    @ApiResponse({ status: 304, description: 'It is in the state that If-None-Match names' })
    @ApiNotFoundResponse({ description: 'There is none, or it is another tenant’s' })
    show(@Req() request: FastifyRequest, @Param('id') id: string): Promise<BusinessRecord> {
      return this.records.load(kind, tenantOf(request), idOf(id));
    }

    @Patch(':id')
    @ApiOperation({ summary: `Set fields of a ${kind.noun} (JSON Merge Patch)` })
    @ApiParam(ID)
    @ApiHeader(IF_MATCH)
    @ApiBody({ schema: changeSchema(kind) })
    @ApiOkResponse({ schema: recordSchema(kind) })
    @ApiBadRequestResponse({ description: '`validation_failed`: `errors` names each field' })
    @ApiNotFoundResponse()
    @ApiConflictResponse({ description: OWNED_BY_ETL })
    @ApiPreconditionFailedResponse({ description: 'It was changed meanwhile' })
    @ApiUnprocessableEntityResponse({ description: '`lead_id` is nobody’s' })
    change(@Req() request: FastifyRequest, @Param('id') id: string, @Body() body: object): Promise<BusinessRecord> {
      const ifMatch = preconditionOf(request, 'if-match');
      return this.records.change(kind, tenantOf(request), idOf(id), fieldsOf(body), ifMatch);
    }

    @Delete(':id')
    @HttpCode(204)
    @ApiOperation({
      summary: kind.name === 'lead' ? 'Delete a lead and its opportunities' : 'Delete an opportunity',
    })
    @ApiParam(ID)
    @ApiHeader(IF_MATCH)
    @ApiNoContentResponse()
    @ApiNotFoundResponse()
    @ApiConflictResponse({ description: OWNED_BY_ETL })
    @ApiPreconditionFailedResponse({ description: 'It was changed meanwhile' })
    async remove(@Req() request: FastifyRequest, @Param('id') id: string): Promise<void> {
      await this.records.remove(kind, tenantOf(request), idOf(id), preconditionOf(request, 'if-match'));
    }
  }
  return RecordsController;
}

/** The guard has seen that it is a UUID. */
function idOf(id = ''): string {
  return id.toLowerCase();
}

function fieldsOf(body: unknown): Readonly<Record<string, unknown>> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as Record<string, unknown>;
  throw invalid([{ path: '', message: 'must be a JSON object' }]);
}
