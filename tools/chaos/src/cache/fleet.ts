/** The processes under test and their origin, each a real process; one that is killed is followed by another. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RedisHome } from '@promptsales/cache-core';
import { endWithThisProcess } from '@promptsales/local-services';
import type { CacheProcessSettings, FinalVersions, SettledProcess } from './cache-process.js';
import { parseRecords, type HistoryRecord } from './history.js';

export interface FleetSettings {
  readonly home: RedisHome;
  readonly proxyPort: number;
  /** Where the processes write down what they see. */
  readonly directory: string;
  readonly processes: number;
  readonly readsPerSecond: number;
  readonly writesPerSecond: number;
  readonly seed: number;
}

interface Member {
  readonly name: string;
  readonly child: ChildProcess;
  readonly file: string;
}

export class Fleet {
  readonly #settings: FleetSettings;
  readonly #origin: ChildProcess;
  readonly #originPort: number;
  readonly #members: Member[] = [];
  readonly #files: string[] = [];
  #lives = 0;
  /** Processes that ended though nobody killed them. */
  readonly endedByThemselves: string[] = [];

  private constructor(settings: FleetSettings, origin: ChildProcess, originPort: number) {
    this.#settings = settings;
    this.#origin = origin;
    this.#originPort = originPort;
  }

  static async start(settings: FleetSettings): Promise<Fleet> {
    const origin = launch('origin-process.js');
    const [port] = (await once(origin, 'message')) as [number];
    const fleet = new Fleet(settings, origin, port);
    await Promise.all(Array.from({ length: settings.processes }, () => fleet.#add()));
    return fleet;
  }

  /** Of those alive. */
  get names(): string[] {
    return this.#members.map(({ name }) => name);
  }

  freeze(name: string): void {
    this.#member(name).child.kill('SIGSTOP');
  }

  thaw(name: string): void {
    this.#member(name).child.kill('SIGCONT');
  }

  /** Kills one and starts another in its place. */
  async replace(name: string): Promise<void> {
    const member = this.#member(name);
    this.#members.splice(this.#members.indexOf(member), 1);
    const ended = once(member.child, 'exit');
    member.child.kill('SIGKILL');
    await ended;
    await this.#add();
  }

  /** Stops reading and writing, and waits until what is under way is done. */
  settle(): Promise<SettledProcess[]> {
    return this.#ask<SettledProcess>('settle');
  }

  /** What each process serves. */
  look(): Promise<FinalVersions[]> {
    return this.#ask<FinalVersions>('look');
  }

  async stop(): Promise<void> {
    const ended = [...this.#members.map(({ child }) => child), this.#origin].map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    });
    this.#members.length = 0;
    await Promise.all(ended);
  }

  history(): HistoryRecord[] {
    return this.#files.flatMap((file) => (existsSync(file) ? parseRecords(readFileSync(file, 'utf8')) : []));
  }

  async #add(): Promise<void> {
    this.#lives += 1;
    const name = `p${this.#lives}`;
    const { home, proxyPort, directory, readsPerSecond, writesPerSecond, seed } = this.#settings;
    const file = join(directory, `${name}.jsonl`);
    const settings: CacheProcessSettings = {
      name,
      home,
      proxyPort,
      originPort: this.#originPort,
      file,
      seed: seed * 1000 + this.#lives,
      readsPerSecond,
      writesPerSecond,
    };
    const child = launch('cache-process.js', JSON.stringify(settings));
    child.once('exit', (code, signal) => {
      if (this.#members.some((one) => one.child === child)) this.endedByThemselves.push(`${name} (${code ?? signal})`);
    });
    this.#files.push(file);
    await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error(`process ${name} did not start`))),
    ]);
    this.#members.push({ name, child, file });
  }

  #ask<T>(order: 'settle' | 'look'): Promise<T[]> {
    return Promise.all(
      this.#members.map(async ({ name, child }) => {
        const answered = once(child, 'message') as Promise<[T]>;
        const ended = once(child, 'exit').then(() => Promise.reject(new Error(`process ${name} ended by itself`)));
        child.send(order);
        return (await Promise.race([answered, ended]))[0];
      }),
    );
  }

  #member(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`there is no process ${name}`);
    return member;
  }
}

function launch(script: string, ...args: string[]): ChildProcess {
  // Production: what is kept in memory is not frozen, as it would be in a test.
  const child = fork(join(import.meta.dirname, script), args, { env: { ...process.env, NODE_ENV: 'production' } });
  if (child.pid !== undefined) endWithThisProcess({ pid: child.pid, signal: 'KILL' });
  return child;
}
