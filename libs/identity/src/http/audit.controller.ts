import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiProperty, ApiTags } from '@nestjs/swagger';
import { AuditLog, type Actor, type AuditEntry } from '../audit/audit-log.js';
import { Acting } from './acting.js';
import { ListQuery } from './list-query.js';

export class AuditEntryAnswer {
  @ApiProperty() id!: string;
  @ApiProperty({ format: 'date-time' }) at!: string;
  @ApiProperty() actor_key_id!: string;
  @ApiProperty() actor_tenant!: string;
  @ApiProperty({ description: 'Whom the act concerns.' }) tenant!: string;
  @ApiProperty({ example: 'api_key.revoke' }) action!: string;
  @ApiProperty({ example: 'api_key:0Hq…' }) target!: string;
  @ApiProperty({ nullable: true, type: String }) request_id!: string | null;
  @ApiProperty({ type: Object }) detail!: Readonly<Record<string, unknown>>;
}

export class AuditListAnswer {
  @ApiProperty({ type: AuditEntryAnswer, isArray: true }) entries!: readonly AuditEntryAnswer[];
  @ApiProperty({ description: 'For `?cursor=`; null on the last page.', nullable: true, type: String })
  next_cursor!: string | null;
}

@ApiTags('Audit')
@ApiBearerAuth()
@Controller('v1/audit')
export class AuditController {
  readonly #audit: AuditLog;

  constructor(@Inject(AuditLog) audit: AuditLog) {
    this.#audit = audit;
  }

  @Get()
  @ApiOperation({ summary: 'Administrative acts, newest first' })
  @ApiOkResponse({ type: AuditListAnswer })
  async list(@Acting() { principal }: Actor, @Query() query: ListQuery): Promise<AuditListAnswer> {
    const tenant = principal.admin ? (query.tenant ?? null) : principal.tenant;
    const page = await this.#audit.list(tenant, query);
    return { entries: page.items.map(entryAnswer), next_cursor: page.nextCursor };
  }
}

function entryAnswer(entry: AuditEntry): AuditEntryAnswer {
  return {
    id: entry.id,
    at: entry.at.toISOString(),
    actor_key_id: entry.actorKeyId,
    actor_tenant: entry.actorTenant,
    tenant: entry.tenant,
    action: entry.action,
    target: entry.target,
    request_id: entry.requestId,
    detail: entry.detail,
  };
}
