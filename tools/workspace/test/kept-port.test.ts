import { createServer } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const modulePath = join(import.meta.dirname, '../kept-port.mjs');
let keptPort: (file: string) => Promise<number>;
beforeAll(async () => {
  ({ keptPort } = (await import(modulePath)) as { keptPort: typeof keptPort });
});

describe('a port that is kept', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kept-port-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));
  const file = (): string => join(directory, 'local', 'port');

  it('is the same at the next start', async () => {
    const kept = file();
    const port = await keptPort(kept);
    expect(Number(readFileSync(kept, 'utf8'))).toBe(port);
    expect(await keptPort(kept)).toBe(port);
  });

  it('is another one where somebody listens on it', async () => {
    const kept = file();
    const port = await keptPort(kept);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    try {
      const other = await keptPort(kept);
      expect(other).not.toBe(port);
      expect(Number(readFileSync(kept, 'utf8'))).toBe(other);
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
  });

  it.each(['', 'x', '-1', '70000', '1.5'])('is a free one where the file says %p', async (text) => {
    const kept = file();
    await keptPort(kept);
    writeFileSync(kept, text);
    expect(await keptPort(kept)).toBeGreaterThan(0);
  });
});
