import { createChangeClock, type MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

export const MCP_MIGRATIONS: MigrationSet = {
  library: 'mcp-cache',
  migrations: {
    '0001_create_servers': {
      up: async (db) => {
        await sql`
          create table mcp_servers (
            tenant text not null,
            name text not null,
            settings json not null,
            secrets text not null,
            created_at timestamptz(3) not null default clock_timestamp(),
            updated_at timestamptz(3) not null default clock_timestamp(),
            revision bigint not null default 0,
            primary key (tenant, name)
          )`.execute(db);
        await createChangeClock(db, { name: 'mcp_server', table: 'mcp_servers' });
      },
    },
  },
};
