import { freePort } from '@promptsales/test-kit';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The server of everything as it serves streamable HTTP by itself. */
export async function startEverything(main: string): Promise<{ readonly url: URL; stop(): Promise<void> }> {
  const port = await freePort();
  const child = spawn(process.execPath, [main, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const chunk of child.stderr) if (String(chunk).includes('listening')) break;
  child.stderr.resume();
  return {
    url: new URL(`http://127.0.0.1:${port}/mcp`),
    stop: async () => {
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
