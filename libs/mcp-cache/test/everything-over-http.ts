import { freePort } from '@promptsales/test-kit';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** The server of everything as it serves streamable HTTP by itself. */
export async function startEverything(main: string): Promise<{ readonly url: URL; stop(): Promise<void> }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const child = spawn(process.execPath, [main, 'streamableHttp'], {
      env: { ...process.env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    const listening = new Promise<boolean>((resolve) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said += chunk.toString();
        if (/listening on/i.test(said)) resolve(true);
      });
      child.once('exit', () => resolve(false));
    });
    if (await listening) {
      return {
        url: new URL(`http://127.0.0.1:${port}/mcp`),
        stop: async () => {
          const ended = once(child, 'exit');
          child.kill('SIGKILL');
          await ended;
        },
      };
    }
    // Between finding a port free and binding it, another process may have taken it.
    if (attempt === 5 || !/in use/i.test(said)) throw new Error(`The server of everything has ended:\n${said}`);
  }
}
