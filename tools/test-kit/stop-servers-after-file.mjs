/** Runs in every test file: the servers that its tests started end with it, whether or not it stopped them. */
afterAll(async () => {
  const running = globalThis[Symbol.for('promptsales.test-kit.servers')] ?? new Set();
  const results = await Promise.allSettled([...running].map((server) => server.stop()));
  running.clear();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
});
