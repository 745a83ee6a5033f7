import { MIGRATIONS, processLog, startFailure } from '@promptsales/assembly';
import { Database } from '@promptsales/database';
import { readEnvironment } from '@promptsales/environment';

/** Brings the database to what this version needs, and ends. Every process does the same at its start; this is for doing it before. */
try {
  const environment = readEnvironment(process.env);
  const log = processLog('migrate', environment);
  const database = await Database.start({
    url: environment.database.url.reveal(),
    migrations: MIGRATIONS,
    applicationName: 'promptsales migrate',
    log: { info: (line) => log.logger.info(line), warn: (line) => log.logger.warn(line) },
  });
  await database.close();
  await log.flush();
} catch (error) {
  process.stderr.write(`${startFailure('migrate', error)}\n`);
  process.exit(1);
}
