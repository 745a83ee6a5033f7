import {
  Body,
  ConflictException,
  Controller,
  Delete,
  HttpCode,
  HttpException,
  Inject,
  NotFoundException,
  Param,
  Post,
  Put,
  Query,
  Req,
  Res,
  UnprocessableEntityException,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { keyspace, Locks, type LockRef } from '@promptsales/cache-core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CACHE_MANAGEMENT_OPTIONS, type CacheManagementOptions } from '../management-options.js';
import { ExtendLockBody, LockAnswer, ReleaseLockBody, ReleaseLockQuery, TakeLockBody } from './lock-bodies.js';

const LONGEST_WAIT_MS = 30_000;
const LONGEST_OWNER = 200;
/** Nobody reads it; it stands in logs (nginx's convention). */
const CLIENT_CLOSED_REQUEST = 499;

/** Locks for applications: each of a tenant's own names. */
@ApiTags('Locks')
@ApiBearerAuth()
@Controller('v1/locks')
export class LocksController {
  constructor(
    @Inject(Locks) private readonly locks: Locks,
    @Inject(CACHE_MANAGEMENT_OPTIONS) private readonly options: CacheManagementOptions,
  ) {}

  @Post(':name')
  @ApiOperation({ summary: 'Take a lock; it ends with its time unless it is extended' })
  @ApiCreatedResponse({ type: LockAnswer })
  @ApiConflictResponse({ description: '`lock_held`: somebody has it; `Retry-After` says when it ends at the latest' })
  async take(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Body() body: TakeLockBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<LockAnswer> {
    const left = whenLeft(reply);
    const lock = await this.locks.acquire(this.#ref(request, name), {
      ...(body.owner === undefined ? {} : { owner: ownerOf(body.owner) }),
      ...ttlOf(body.ttl_seconds),
      waitMs: within('wait_ms', body.wait_ms ?? 0, 0, LONGEST_WAIT_MS),
      fenced: true,
      renew: false,
      signal: left,
    });
    // Nobody has read who owns it.
    if (left.aborted) await lock.release();
    return { name, owner: lock.owner, token: lock.token, expires_at: lock.expiresAt.toISOString() };
  }

  @Put(':name')
  @ApiOperation({ summary: 'Let a lock of one’s own last from now on' })
  @ApiOkResponse({ type: LockAnswer })
  @ApiConflictResponse({ description: '`not_lock_holder`: it is somebody else’s, or nobody’s any more' })
  async extend(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Body() body: ExtendLockBody,
  ): Promise<LockAnswer> {
    const owner = ownerOf(body.owner);
    const extended = await this.locks.extend(this.#ref(request, name), owner, ttlOf(body.ttl_seconds).ttlMs);
    if (extended.kind !== 'held') throw notHolder();
    return { name, owner, token: extended.token, expires_at: new Date(extended.expiresAtMs).toISOString() };
  }

  @Delete(':name')
  @HttpCode(204)
  @ApiOperation({ summary: 'Release a lock of one’s own' })
  @ApiBody({ type: ReleaseLockBody, required: false })
  @ApiNoContentResponse()
  @ApiConflictResponse({ description: '`not_lock_holder`: it is somebody else’s' })
  @ApiNotFoundResponse({ description: 'Nobody holds it' })
  async release(
    @Req() request: FastifyRequest,
    @Param('name') name: string,
    @Query() query: ReleaseLockQuery,
    @Body() body?: ReleaseLockBody,
  ): Promise<void> {
    const owner = query.owner ?? body?.owner;
    if (owner === undefined) throw new UnprocessableEntityException('Say whose lock it is: ?owner= or {"owner": …}.');
    const released = await this.locks.release(this.#ref(request, name), ownerOf(owner));
    if (released === 'other') throw notHolder();
    if (released === 'none') throw new NotFoundException('Nobody holds a lock of this name.');
  }

  #ref(request: FastifyRequest, name: string): LockRef {
    return keyspace.lockNamed.at({ name }, this.options.callerOf(request).tenant);
  }
}

function notHolder(): ConflictException {
  return new ConflictException({ code: 'not_lock_holder', detail: 'The lock is not held by this owner.' });
}

function ownerOf(owner: string): string {
  if (owner.length > 0 && owner.length <= LONGEST_OWNER && owner.isWellFormed()) return owner;
  throw new UnprocessableEntityException(`owner: takes 1 to ${LONGEST_OWNER} characters.`);
}

/** Nothing where nothing is asked for: the family has its own. */
function ttlOf(seconds: number | undefined): { readonly ttlMs?: number } {
  if (seconds === undefined) return {};
  const { min, max } = keyspace.lockNamed.ttlRange;
  return { ttlMs: Math.round(within('ttl_seconds', seconds, min, max) * 1000) };
}

function within(field: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new UnprocessableEntityException(`${field}: takes ${least} to ${most}.`);
}

/** Aborts when the client is gone before it has been answered. */
function whenLeft({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort(new HttpException('The client has left.', CLIENT_CLOSED_REQUEST));
  });
  return left.signal;
}
