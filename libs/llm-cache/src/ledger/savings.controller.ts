import { Controller, Get, Inject, Query, Req } from '@nestjs/common';
import { ApiForbiddenResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Savings, type LedgerReader } from './savings.js';
import { SavingsAnswer } from './savings-answer.js';
import { SavingsRequest } from './savings-request.js';

/** Nest's token for the application's answer to: whose request is this? */
export const LEDGER_READER_OF = Symbol('LEDGER_READER_OF');
export type LedgerReaderOf = (request: FastifyRequest) => LedgerReader;

@ApiTags('savings')
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
}
