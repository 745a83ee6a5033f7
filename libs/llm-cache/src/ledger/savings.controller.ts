import { Controller, Get, Inject, Param, Query, Req, StreamableFile } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiForbiddenResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiProduces,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Readable } from 'node:stream';
import { LEDGER_READER_OF, type LedgerReaderOf } from './ledger-reader.js';
import { Savings } from './savings.js';
import { SavingsAnswer } from './savings-answer.js';
import { EXPORT_TYPES } from './savings-export.js';
import { SavingsReceipt } from './savings-receipt.js';
import { ExportRequest, ReceiptRequest, SavingsRequest } from './savings-request.js';

@ApiTags('Savings')
@Controller('v1/savings')
export class SavingsController {
  readonly #savings: Savings;
  readonly #readerOf: LedgerReaderOf;

  constructor(@Inject(Savings) savings: Savings, @Inject(LEDGER_READER_OF) readerOf: LedgerReaderOf) {
    this.#savings = savings;
    this.#readerOf = readerOf;
  }

  @Get()
  @ApiOperation({
    summary: 'Money and tokens spent and avoided',
    description:
      'Spent is what upstream calls cost, avoided what reused answers would have cost; they are never mixed. Lines of the ' +
      'process that answers are included up to now, those of other processes may be up to a second behind.',
  })
  @ApiOkResponse({ type: SavingsAnswer })
  @ApiForbiddenResponse({ description: 'Another tenant was asked for without being an administrator.' })
  report(@Query() request: SavingsRequest, @Req() http: FastifyRequest): Promise<SavingsAnswer> {
    return this.#savings.report(request, this.#readerOf(http));
  }

  @Get('export')
  @ApiOperation({
    summary: 'Every line of the ledger, with what it takes to compute it again',
    description:
      'Calls, then hits, each in the order of time: tokens of one answer by class, the rates that held for it, how many hits ' +
      'the line stands for, and what it cost or avoided in whole nano-dollars. Streamed; no limit to its length.',
  })
  @ApiProduces(...Object.values(EXPORT_TYPES).map((type) => type.split(';')[0] as string))
  @ApiOkResponse({ schema: { type: 'string' }, description: 'CSV with a header, or a JSON object in each line' })
  @ApiForbiddenResponse({ description: 'Another tenant was asked for without being an administrator.' })
  async export(@Query() request: ExportRequest, @Req() http: FastifyRequest): Promise<StreamableFile> {
    const { format = 'ndjson', ...span } = request;
    const lines = await this.#savings.export(span, format, this.#readerOf(http));
    return new StreamableFile(Readable.from(lines, { objectMode: false }), {
      type: EXPORT_TYPES[format],
      disposition: `attachment; filename="savings.${format}"`,
    });
  }

  @Get('receipts/:id')
  @ApiOperation({
    summary: 'Why one response was a hit, how old it was and what it avoided',
    description:
      'The id is that of a request (`x-request-id` of the response), found for its whole life in the ledger where the platform ' +
      'made it; where the caller did, within the last two days or from `from` to `to`; or that of an answer (`chatcmpl-…`, `msg_…`), whose last hit of the last ' +
      '31 days is shown, or its call.',
  })
  @ApiOkResponse({ type: SavingsReceipt })
  @ApiNotFoundResponse({ description: 'The ledger has nothing of this id that is the reader’s.' })
  @ApiBadRequestResponse({ description: 'The span is empty, or not one.' })
  receipt(
    @Param('id') id: string,
    @Query() when: ReceiptRequest,
    @Req() http: FastifyRequest,
  ): Promise<SavingsReceipt> {
    return this.#savings.receipt(id, when, this.#readerOf(http));
  }
}
