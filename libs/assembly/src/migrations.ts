import type { MigrationSet } from '@promptsales/database';
import { ledgerMigrations } from '@promptsales/llm-cache';

/** The schema of every library. */
export const MIGRATIONS: readonly MigrationSet[] = [ledgerMigrations];
