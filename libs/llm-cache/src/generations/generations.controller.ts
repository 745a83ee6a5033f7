import { Body, Controller, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import {
  ApiBadGatewayResponse,
  ApiBadRequestResponse,
  ApiBearerAuth,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  type ApiResponseSchemaHost,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { attributionOf } from '../http/caller.js';
import { GatewayService } from '../http/gateway-service.js';
import { toldOf } from './generation-errors.js';
import { readGenerationRequest } from './generation-request.js';
import type { Generation } from './generations.js';

const BODY: ApiResponseSchemaHost['schema'] = {
  type: 'object',
  required: ['model', 'prompt'],
  properties: {
    model: { type: 'string', example: 'gpt-4o-mini' },
    prompt: { type: 'string' },
    params: { type: 'object', description: 'Parameters of the chat completion: `temperature`, `max_tokens` …' },
  },
};

const ANSWER: ApiResponseSchemaHost['schema'] = {
  type: 'object',
  required: ['content', 'tokens_used', 'cost_usd', 'timestamp', 'cached'],
  properties: {
    content: { type: 'string' },
    tokens_used: { type: 'integer', nullable: true, description: 'In and out; null where the provider did not count' },
    cost_usd: { type: 'number', nullable: true, description: 'What the text cost when it was made; null: not known' },
    timestamp: { type: 'string', format: 'date-time', description: 'When it was made' },
    cached: { type: 'boolean', description: 'It was there already, or somebody else was having it made' },
  },
};

@ApiTags('Generations')
@ApiBearerAuth()
@Controller('v1/generations')
export class GenerationsController {
  constructor(@Inject(GatewayService) private readonly gateway: GatewayService) {}

  @Post()
  @HttpCode(200)
  @ApiOperation({
    summary: 'Generate a text from a prompt, once',
    description:
      'Asked of the gateway as a chat completion with one message. `Cache-Control`, `x-cache-ttl`, `x-cache-tags` and `x-cache-namespace` steer it as there.',
  })
  @ApiBody({ schema: BODY })
  @ApiOkResponse({ schema: ANSWER })
  @ApiBadRequestResponse({ description: '`validation_failed`: `errors` names each member' })
  @ApiBadGatewayResponse({ description: 'The provider failed; a refusal of its own comes with its 4xx status' })
  async generate(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Generation & { cached: boolean }> {
    const wanted = readGenerationRequest(body);
    try {
      const { generation, cached, headers } = await this.gateway.generations.generate(wanted, {
        headers: request.headers,
        caller: attributionOf(this.gateway.callerOf(request)),
        requestId: request.id,
        whenLeft: (listener) => (reply.raw.destroyed ? listener() : void reply.raw.once('close', listener)),
      });
      reply.headers(headers);
      return { ...generation, cached };
    } catch (error) {
      const told = toldOf(error);
      if (told === null) throw error;
      if (told.retryAfter !== null) reply.header('retry-after', told.retryAfter);
      throw told.problem;
    }
  }
}
