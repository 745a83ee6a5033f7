import { SERVICE_MIGRATIONS } from '@promptsales/call-cache';
import { FENCING_MIGRATIONS, OUTBOX_MIGRATIONS } from '@promptsales/cache-management';
import { CONFIGURATION_MIGRATIONS } from '@promptsales/configuration';
import { CONTENT_MIGRATIONS } from '@promptsales/content';
import type { MigrationSet } from '@promptsales/database';
import { IDENTITY_MIGRATIONS } from '@promptsales/identity';
import { JOBS_MIGRATIONS } from '@promptsales/jobs';
import { ledgerMigrations, POLICY_MIGRATIONS } from '@promptsales/llm-cache';
import { MCP_MIGRATIONS } from '@promptsales/mcp-cache';
import { RECORDS_MIGRATIONS } from '@promptsales/records';

/** The schema of every library. */
export const MIGRATIONS: readonly MigrationSet[] = [
  IDENTITY_MIGRATIONS,
  ledgerMigrations,
  FENCING_MIGRATIONS,
  OUTBOX_MIGRATIONS,
  RECORDS_MIGRATIONS,
  CONTENT_MIGRATIONS,
  CONFIGURATION_MIGRATIONS,
  POLICY_MIGRATIONS,
  SERVICE_MIGRATIONS,
  JOBS_MIGRATIONS,
  MCP_MIGRATIONS,
];
