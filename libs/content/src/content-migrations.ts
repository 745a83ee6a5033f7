import type { MigrationSet } from '@promptsales/database';
import { sql } from 'kysely';

/**
 * Vectors are plain arrays, of length 1: PostgreSQL scans them as they are, and pgvector casts them. `space` names the
 * embedder that made them; null: it is still to be done.
 */
export const CONTENT_MIGRATIONS: MigrationSet = {
  library: 'content',
  migrations: {
    '0001_contents': {
      up: async (db) => {
        await sql`
          create table contents (
            tenant text collate "C" not null,
            content_id text collate "C" not null,
            version bigint not null default 1,
            campana_id text collate "C" not null,
            cliente_id text collate "C" not null,
            descripcion text not null,
            hashtags text[] not null,
            url_almacenamiento text,
            url_thumbnail text,
            formato text not null,
            aprobado boolean not null,
            created_at timestamptz(3) not null,
            space text collate "C",
            embedding real[],
            primary key (tenant, content_id)
          )`.execute(db);
        await sql`create index contents_by_campaign on contents (tenant, campana_id)`.execute(db);
        await sql`create index contents_by_space on contents (tenant, space)`.execute(db);
      },
    },
  },
};
