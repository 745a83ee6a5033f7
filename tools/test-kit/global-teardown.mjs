import { rm } from 'node:fs/promises';

export default async function globalTeardown() {
  await globalThis.promptsalesTestRun.stop();
  await rm(process.env.PROMPTSALES_TEST_DIRECTORY, { recursive: true, force: true });
}
