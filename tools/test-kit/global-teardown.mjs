import { rm } from 'node:fs/promises';

export default async function globalTeardown() {
  await globalThis.promptsalesTestRun.stop();
  // A server whose test process was ended is only just going, and may still be writing.
  await rm(process.env.PROMPTSALES_TEST_DIRECTORY, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
