import { Body, Controller, Delete, Get, Inject, Param, Put, Query, Req, Res } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBearerAuth, ApiBody, ApiConflictResponse, ApiTags } from '@nestjs/swagger';
import {
  cursorBehind,
  ListsByName,
  pageOf,
  PageQuery,
  placeIn,
  RemovesOne,
  ShowsOne,
  StoresWhole,
} from '@promptsales/http-edge';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Policies, type PolicyActor } from './policies.js';
import { isPolicyName, policyAnswer, policyIn } from './policy-body.js';
import { PolicyDirectory } from './policy-directory.js';
import { POLICY_ANSWER_SCHEMA, POLICY_SCHEMA } from './policy-schema.js';

/** Called for requests that have passed the application's access rules. */
export type PolicyActorOf = (request: FastifyRequest) => PolicyActor;

export const POLICY_ACTOR_OF = Symbol('who changes policies');

type Answer = ReturnType<typeof policyAnswer>;

/** What is kept of whose requests to language models, for how long, and who shares it. */
@ApiTags('LLM policies')
@ApiBearerAuth()
@Controller('v1/llm/policies')
export class PoliciesController {
  constructor(
    @Inject(Policies) private readonly policies: Policies,
    @Inject(PolicyDirectory) private readonly directory: PolicyDirectory,
    @Inject(POLICY_ACTOR_OF) private readonly actorOf: PolicyActorOf,
  ) {}

  @Get()
  @ListsByName('List policies by name', 'policies', POLICY_ANSWER_SCHEMA)
  async list(
    @Query() { limit, cursor }: PageQuery,
  ): Promise<{ policies: readonly Answer[]; next_cursor: string | null }> {
    const after = cursor === undefined ? null : placeIn(cursor, isPolicyName);
    const found = await this.policies.list(after, limit + 1);
    const { items, nextCursor } = pageOf(found, limit, ({ name }) => cursorBehind(name), policyAnswer);
    return { policies: items, next_cursor: nextCursor };
  }

  @Get(':name')
  @ShowsOne('Show a policy', { schema: POLICY_ANSWER_SCHEMA })
  async show(@Param('name') name: string): Promise<Answer> {
    return policyAnswer(await this.policies.find(name));
  }

  @Put(':name')
  @StoresWhole(
    'Store a policy in place of what was there',
    { schema: POLICY_ANSWER_SCHEMA },
    'It is in force here at once and on every process within a second. An answer of ours may be sent back.',
  )
  @ApiBody({ schema: POLICY_SCHEMA })
  @ApiBadRequestResponse({ description: '`validation_failed`, with every fault and its place' })
  async store(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    const { created, policy } = await this.policies.save(this.actorOf(request), policyIn(body, name));
    await this.directory.refresh();
    reply.status(created ? 201 : 200);
    return policyAnswer(policy);
  }

  @Delete(':name')
  @RemovesOne('Remove a policy; what it kept stays until it expires')
  @ApiConflictResponse({ description: 'The policy `default` cannot be deleted' })
  async remove(@Req() request: FastifyRequest, @Param('name') name: string): Promise<void> {
    await this.policies.remove(this.actorOf(request), name);
    await this.directory.refresh();
  }
}
