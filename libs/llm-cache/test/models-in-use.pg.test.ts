import { createDatabase, type TestDatabase } from '@promptsales/test-kit';
import { DurableLedger } from '../src/index.js';
import { ModelsInUse } from '../src/model-info/models-in-use.js';
import { LedgerApplication } from './ledger/ledger-application.js';
import { sampleCall, sampleOutcome } from './ledger/sample-facts.js';

let database: TestDatabase;
let application: LedgerApplication;
let inUse: ModelsInUse;

beforeAll(async () => {
  database = await createDatabase();
  application = await LedgerApplication.start(database.url);
  inUse = new ModelsInUse(application.database);
  const calls: [string, string][] = [
    ...Array.from({ length: 5 }, (_, at): [string, string] => ['acme', `a-typo-${at}`]),
    ...Array.from({ length: 3 }, (): [string, string] => ['acme', 'used']),
    ...Array.from({ length: 2 }, (): [string, string] => ['zeta', 'used']),
  ];
  for (const [tenant, model] of calls)
    (await application.ledger.begin(sampleCall({ tenant, model }))).settle(sampleOutcome());
  await application.app.get(DurableLedger).flush();
});
afterAll(async () => {
  await application.close();
  await database.drop();
});

it('are those that are used most, so that nobody crowds them out with names that he makes up', async () => {
  expect(await inUse.ofAll(2)).toEqual([
    { tenant: 'acme', provider: 'openai', model: 'used' },
    { tenant: 'zeta', provider: 'openai', model: 'used' },
  ]);
  expect(await inUse.of('acme', 1)).toEqual([{ tenant: 'acme', provider: 'openai', model: 'used' }]);
});

it('are the tenant’s own, by name', async () => {
  const models = (await inUse.of('acme', 200)).map(({ model }) => model);
  expect(models).toEqual(['a-typo-0', 'a-typo-1', 'a-typo-2', 'a-typo-3', 'a-typo-4', 'used']);
  expect(await inUse.of('nobody', 200)).toEqual([]);
});
