import { mkdtempSync, rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endOrphanedPostgres, findPostgres, startPostgresServer } from '@promptsales/local-services';
import { Client } from 'pg';

let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'promptsales-services-'));
  await chmod(directory, 0o711);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

const start = async () =>
  startPostgresServer(await findPostgres(), {
    directory: join(directory, 'pg'),
    password: "it's p@ss/word",
    database: 'promptsales',
  });

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows.flatMap((row) => Object.values(row));
  } finally {
    await client.end();
  }
}

describe('a local PostgreSQL', () => {
  it('keeps its data over stops, and an orphan of it is ended', async () => {
    const first = await start();
    expect(new URL(first.url).pathname).toBe('/promptsales');
    await query(first.url, "CREATE TABLE kept AS SELECT 'ä' AS letter");
    await first.stop();

    const second = await start();
    expect(await query(second.url, 'SELECT upper(letter) FROM kept')).toEqual(['Ä']);
    expect(await endOrphanedPostgres(join(directory, 'pg/data'))).toBe(true);
    expect(await second.exited).toMatchObject({ code: 0 });
    expect(await endOrphanedPostgres(join(directory, 'pg/data'))).toBe(false);
  });

  it('does not let anybody in without the password', async () => {
    const server = await start();
    const url = new URL(server.url);
    url.password = 'wrong';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
    await server.stop();
  });
});
