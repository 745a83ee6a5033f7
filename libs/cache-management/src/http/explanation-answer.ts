import { ApiProperty } from '@nestjs/swagger';
import type { Explanation } from '@promptsales/cache-core';

class VersionAnswer {
  @ApiProperty({ example: 'tag:campaign-42' }) subject!: string;
  @ApiProperty({ description: 'False: invalidated since the entry was loaded.' }) current!: boolean;
}

class SidecarAnswer {
  @ApiProperty({ format: 'date-time' }) stored_at!: string;
  @ApiProperty({ format: 'date-time', description: 'Past it the entry is stale.' }) fresh_until!: string;
  @ApiProperty({ format: 'date-time' }) expires_at!: string;
  @ApiProperty({ description: 'What it took to load it.' }) load_cost_ms!: number;
  @ApiProperty({ description: 'It is remembered that the origin has no value.' }) absence!: boolean;
  @ApiProperty({ type: Boolean, nullable: true, description: 'Null: nothing to compare it with.' })
  fingerprint_agrees!: boolean | null;
  @ApiProperty({ type: VersionAnswer, isArray: true }) versions!: readonly VersionAnswer[];
}

class LeaseAnswer {
  @ApiProperty({ description: 'The process that loads it.' }) holder!: string;
  @ApiProperty({ description: 'It is this process.' }) here!: boolean;
  @ApiProperty({ type: 'integer', nullable: true }) ttl_ms!: number | null;
  @ApiProperty({ description: 'An invalidation came after it began: nobody waits for it.' }) outdated!: boolean;
}

export class ExplanationAnswer {
  @ApiProperty({ description: 'As it lies in Redis, without KEY_PREFIX.' }) key!: string;
  @ApiProperty({ example: 'app.value' }) family!: string;
  @ApiProperty() tenant!: string;
  @ApiProperty({ enum: ['hit', 'stale', 'miss', 'bypass'], description: 'What a read would get now.' })
  verdict!: string;
  @ApiProperty({ example: 'it is stored, and fresh' }) why!: string;
  @ApiProperty({ example: 'cache' }) role!: string;
  @ApiProperty({ type: String, nullable: true, description: 'As Redis calls it.' }) type!: string | null;
  @ApiProperty({ type: 'integer', nullable: true }) ttl_ms!: number | null;
  @ApiProperty({ type: 'integer', nullable: true, description: 'Of the server’s memory.' }) bytes!: number | null;
  @ApiProperty({ type: SidecarAnswer, nullable: true }) entry!: SidecarAnswer | null;
  @ApiProperty({ type: LeaseAnswer, nullable: true }) lease!: LeaseAnswer | null;
  @ApiProperty({ format: 'date-time', type: String, nullable: true, description: 'Where that is remembered.' })
  invalidated_at!: string | null;
  @ApiProperty({ type: Boolean, nullable: true, description: 'Null: nothing is kept of such entries.' })
  in_own_memory!: boolean | null;
  @ApiProperty({ type: String, nullable: true, description: 'The connection that serves it; for administrators.' })
  link!: string | null;
  @ApiProperty({ type: 'integer', nullable: true, description: 'In a cluster.' }) slot!: number | null;
  @ApiProperty({ type: String, nullable: true, description: 'With KEY_PREFIX; for administrators.' })
  physical_key!: string | null;
}

export function explanationAnswer(explained: Explanation, admin: boolean): ExplanationAnswer {
  const { ref, sidecar, lease, place, invalidatedAtMs } = explained;
  return {
    key: ref.key,
    family: ref.family.id,
    tenant: ref.tenant,
    verdict: explained.verdict,
    why: explained.why,
    role: ref.family.role,
    type: explained.type,
    ttl_ms: explained.ttlMs,
    bytes: explained.bytes,
    entry:
      sidecar === null
        ? null
        : {
            stored_at: at(sidecar.storedAtMs),
            fresh_until: at(sidecar.freshUntilMs),
            expires_at: at(sidecar.expiresAtMs),
            load_cost_ms: sidecar.loadCostMs,
            absence: sidecar.absence,
            fingerprint_agrees: sidecar.fingerprintAgrees,
            versions: sidecar.versions,
          },
    lease:
      lease === null ? null : { holder: lease.holder, here: lease.here, ttl_ms: lease.ttlMs, outdated: lease.outdated },
    invalidated_at: invalidatedAtMs === null ? null : at(invalidatedAtMs),
    in_own_memory: explained.inOwnMemory,
    link: admin ? place.link : null,
    slot: place.slot,
    physical_key: admin ? explained.physicalKey : null,
  };
}

function at(ms: number): string {
  return new Date(ms).toISOString();
}
