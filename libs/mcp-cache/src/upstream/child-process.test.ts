/** Processes of the operating system, and what they leave behind. */
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { until } from '@promptsales/test-kit';
import { ChildProcess } from './child-process.js';

const say = (message: string): string =>
  `console.log(JSON.stringify({ jsonrpc: '2.0', method: 'said', params: ${message} }));`;
/** Neither the end of its input nor SIGTERM ends it. */
const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); ${say('{ pid: process.pid }')}`;
/** As `npx` does: starts what was asked for, on the same pipes, and waits. */
const launcher = (more = ''): string =>
  `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(STUBBORN)}], { stdio: 'inherit' }); ${more}`;

async function started(code: string, patienceMs = 50) {
  const said: JSONRPCMessage[] = [];
  const ended = Promise.withResolvers<void>();
  const command = { command: process.execPath, args: ['-e', code], env: {} };
  const events = { said: (message: JSONRPCMessage) => void said.push(message), ended: ended.resolve };
  const child = await ChildProcess.start(command, events, patienceMs);
  return { child, said, ended: ended.promise };
}

const pidOf = (said: readonly JSONRPCMessage[]): number => {
  const [message] = said;
  const { pid } = (message !== undefined && 'params' in message ? message.params : {}) as { pid: number };
  return pid;
};

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

it('what a server was started by is ended with it, however stubborn', async () => {
  const { child, said, ended } = await started(launcher('process.stdin.resume();'));
  await until(() => said.length > 0);
  expect(isAlive(pidOf(said))).toBe(true);
  await child.close();
  await ended;
  await until(() => !isAlive(pidOf(said)));
  expect(isAlive(child.pid)).toBe(false);
});

it('what a process has started does not outlive it', async () => {
  const { child, said, ended } = await started(launcher(`process.stdin.once('data', () => process.exit(1));`));
  await until(() => said.length > 0);
  child.send({ jsonrpc: '2.0', method: 'end' });
  await ended;
  await until(() => !isAlive(pidOf(said)));
  expect(() => child.send({ jsonrpc: '2.0', method: 'more' })).toThrow('has ended');
});

it('what a process says before it ends is heard', async () => {
  const { said, ended } = await started(`for (let at = 0; at < 1000; at += 1) { ${say('{ at }')} }`);
  await ended;
  expect(said).toHaveLength(1000);
});

it('a process that does not read is sent no more than it may leave lying', async () => {
  const { child } = await started('setInterval(() => {}, 1000);');
  const message = { jsonrpc: '2.0' as const, method: 'm', params: { text: 'x'.repeat(8 * 1024 * 1024) } };
  expect(() => {
    for (let time = 0; time < 12; time += 1) child.send(message);
  }).toThrow('does not read');
  await child.close();
});

it('lines that are no messages, and messages behind them, are told apart', async () => {
  const { said, ended } = await started(`console.log('hello'); console.log('{"half":'); ${say('{}')}`);
  await ended;
  expect(said).toEqual([{ jsonrpc: '2.0', method: 'said', params: {} }]);
});
