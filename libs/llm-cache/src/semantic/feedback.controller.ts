import { Body, Controller, HttpCode, Inject, NotFoundException, Post, Req } from '@nestjs/common';
import { ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { IsBoolean, IsString, MaxLength, MinLength } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { GatewayService } from '../http/gateway-service.js';

export class FeedbackRequest {
  @ApiProperty({
    description:
      "The response's `x-request-id`, or the `id` in its body where that is not shared with other responses.",
    example: 'chatcmpl-9sX2',
  })
  @IsString()
  @MinLength(1)
  @MaxLength(512)
  readonly id!: string;

  @ApiProperty({ description: 'Whether the answer was right for the question that was asked.' })
  @IsBoolean()
  readonly correct!: boolean;
}

export class FeedbackAnswer {
  @ApiProperty()
  readonly id!: string;

  @ApiProperty()
  readonly correct!: boolean;
}

@ApiTags('LLM feedback')
@Controller('v1/feedback')
export class FeedbackController {
  readonly #gateway: GatewayService;

  constructor(@Inject(GatewayService) gateway: GatewayService) {
    this.#gateway = gateway;
  }

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Says whether an answer that was served for another question was right',
    description:
      'For responses with `x-cache: SEMANTIC`, within a day. A wrong one counts at once against what may be served; each response counts once.',
  })
  @ApiOkResponse({ type: FeedbackAnswer })
  @ApiNotFoundResponse({
    description: 'No such response of this tenant was served for another question, or it was judged already.',
  })
  async give(@Body() { id, correct }: FeedbackRequest, @Req() http: FastifyRequest): Promise<FeedbackAnswer> {
    const { semantic, callerOf } = this.#gateway;
    if (!(await semantic.report(callerOf(http).tenant, id, correct))) {
      throw new NotFoundException(
        'No response with this id was served for another question in the last day, or it was judged already.',
      );
    }
    return { id, correct };
  }
}
