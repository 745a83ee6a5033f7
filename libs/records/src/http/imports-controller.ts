import {
  BadRequestException,
  Controller,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Post,
  Req,
  Res,
  type Type,
  UnsupportedMediaTypeException,
  UseGuards,
} from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import {
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiConsumes,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { columnProblems } from '../import/columns.js';
import { CsvRows } from '../import/csv-rows.js';
import type { RowReader } from '../import/import-row.js';
import { NdjsonRows } from '../import/ndjson-rows.js';
import { RecordImports } from '../import/record-imports.js';
import { noSuchImport } from '../record/record-errors.js';
import type { RecordKind } from '../record/record-kind.js';
import { ImportAnswer, importAnswer } from './import-answer.js';
import { RecordsGuard, tenantOf } from './records-guard.js';

const CSV = 'text/csv';
const NDJSON = 'application/x-ndjson';
const IMPORT_ID = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

/** Imports of one kind of record. */
export function importsController(kind: RecordKind): Type {
  @ApiTags('Records')
  @ApiBearerAuth()
  @UseGuards(RecordsGuard)
  @Controller(kind.plural)
  class ImportsController {
    constructor(@Inject(RecordImports) private readonly imports: RecordImports) {}

    @Post('import')
    @HttpCode(200)
    @RouteConfig({ streams: [CSV, NDJSON] })
    @ApiOperation({
      summary: `Import ${kind.plural} from CSV or NDJSON, of any length`,
      description:
        'Rows are made in batches, each in one transaction; a row that cannot be made is answered with its line and costs no other. ' +
        'After an interruption, send the same file under the same Idempotency-Key: it goes on behind the last batch.',
    })
    @ApiHeader({
      name: 'idempotency-key',
      required: false,
      description: 'Names the import for a week: letters, digits and `._:-`, at most 128. Made when it is left out.',
    })
    @ApiConsumes(CSV, NDJSON)
    @ApiBody({ schema: { type: 'string', format: 'binary' } })
    @ApiOkResponse({ type: ImportAnswer })
    @ApiBadRequestResponse({ description: '`validation_failed`: the first line of CSV does not name the columns' })
    @ApiConflictResponse({ description: 'Another request went on with it; `records_read_only`: RECORDS_OWNER=etl' })
    @ApiUnprocessableEntityResponse({ description: 'Another file was begun under this Idempotency-Key' })
    async import(
      @Req() request: FastifyRequest,
      @Headers('idempotency-key') key: string | undefined,
      @Res({ passthrough: true }) reply: FastifyReply,
    ): Promise<ImportAnswer> {
      const reader = readerOf(kind, request.headers['content-type'] ?? '');
      const id = importId(key);
      const source = request.body as Readable;
      const state = await this.imports.run({ kind, tenant: tenantOf(request), id }, source, reader);
      reply.header('location', `/${kind.plural}/imports/${id}`);
      return importAnswer(state);
    }

    @Get('imports/:key')
    @ApiOperation({ summary: `How far an import of ${kind.plural} has come` })
    @ApiOkResponse({ type: ImportAnswer })
    @ApiNotFoundResponse()
    async progress(@Req() request: FastifyRequest, @Param('key') key: string): Promise<ImportAnswer> {
      if (!IMPORT_ID.test(key)) throw noSuchImport();
      return importAnswer(await this.imports.find({ kind, tenant: tenantOf(request), id: key }));
    }
  }
  return ImportsController;
}

function readerOf(kind: RecordKind, contentType: string): RowReader {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const charset = parameters
    .map((one) => /^\s*charset="?([^"\s]+)"?\s*$/.exec(one)?.[1])
    .find((one) => one !== undefined);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new UnsupportedMediaTypeException(`Send it in UTF-8, not ${charset.slice(0, 40)}.`);
  }
  if (type.trim() === CSV) return new CsvRows((names) => columnProblems(kind, names));
  if (type.trim() === NDJSON) return new NdjsonRows();
  throw new UnsupportedMediaTypeException(`Send it as ${CSV} or ${NDJSON}.`);
}

/** With the quotes that the header's own standard wants, or without. */
function importId(key: string | undefined): string {
  if (key === undefined) return randomUUID();
  const id = key.replace(/^"(.*)"$/, '$1');
  if (IMPORT_ID.test(id)) return id;
  throw new BadRequestException({
    code: 'bad_header',
    detail: 'idempotency-key: takes letters, digits and ._:- (at most 128).',
  });
}
