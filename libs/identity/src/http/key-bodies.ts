import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsIn, IsOptional } from 'class-validator';
import { DEFAULT_PLAN, PLANS } from '../access/principal.js';
import { SCOPES, type Scope } from '../access/scope.js';
import type { ApiKey } from '../keys/api-key.js';
import { IsFutureInstant, IsPrintableText } from './printable-text.js';

/** `POST /v1/keys`. */
export class CreateKeyBody {
  @ApiProperty({ description: 'What the key is for.', example: 'checkout service', maxLength: 200 })
  @IsPrintableText(200)
  name!: string;

  @ApiProperty({ description: 'Whose data it works with.', example: 'acme', maxLength: 128 })
  @IsPrintableText(128)
  tenant!: string;

  @ApiProperty({
    description: 'What it may be used for; `admin` implies all.',
    enum: SCOPES,
    isArray: true,
    minItems: 1,
  })
  @IsArray()
  @ArrayMaxSize(50)
  @IsIn(SCOPES, { each: true, message: `each of scopes must be one of ${SCOPES.join(', ')}` })
  scopes!: Scope[];

  @ApiPropertyOptional({
    description: 'Under which name its use is counted; the name when left out.',
    maxLength: 200,
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsPrintableText(200)
  client?: string | null;

  @ApiPropertyOptional({ description: 'Its plan.', default: DEFAULT_PLAN, enum: PLANS, nullable: true, type: String })
  @IsOptional()
  @IsPrintableText(64)
  plan?: string | null;

  @ApiPropertyOptional({
    description: 'When it ends; never when left out.',
    format: 'date-time',
    nullable: true,
    type: String,
  })
  @IsOptional()
  @IsFutureInstant()
  expires_at?: string | null;
}

/** A key as it is shown: everything but the key. */
export class KeyAnswer {
  @ApiProperty({ description: 'Also the second part of the key itself.' }) id!: string;
  @ApiProperty() name!: string;
  @ApiProperty() tenant!: string;
  @ApiProperty() client!: string;
  @ApiProperty({ enum: SCOPES, isArray: true }) scopes!: readonly Scope[];
  @ApiProperty() plan!: string;
  @ApiProperty({ format: 'date-time' }) created_at!: string;
  @ApiProperty({ description: 'The id of the key that made it.' }) created_by!: string;
  @ApiProperty({ format: 'date-time', nullable: true, type: String }) expires_at!: string | null;
  @ApiProperty({ format: 'date-time', nullable: true, type: String }) revoked_at!: string | null;
}

export class CreatedKeyAnswer extends KeyAnswer {
  @ApiProperty({ description: 'The key. Shown this once; only its hash is kept.', example: 'psk_…' }) key!: string;
}

export class KeyListAnswer {
  @ApiProperty({ type: KeyAnswer, isArray: true }) keys!: readonly KeyAnswer[];
  @ApiProperty({ description: 'For `?cursor=`; null on the last page.', nullable: true, type: String })
  next_cursor!: string | null;
}

export function keyAnswer(key: ApiKey): KeyAnswer {
  return {
    id: key.id,
    name: key.name,
    tenant: key.tenant,
    client: key.client,
    scopes: key.scopes,
    plan: key.plan,
    created_at: key.createdAt.toISOString(),
    created_by: key.createdBy,
    expires_at: key.expiresAt?.toISOString() ?? null,
    revoked_at: key.revokedAt?.toISOString() ?? null,
  };
}
