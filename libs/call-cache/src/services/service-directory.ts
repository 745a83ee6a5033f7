/**
 * The services that are stored, at hand in every process without asking anybody.
 *
 * Invariants, each with a test that fails when it is removed
 * 1. What was committed is in force in every process at most `EVERY_MS` and one query later; in the process that was asked to
 *    `refresh`, when that returns.
 * 2. While the database is away, what was last known stays in force.
 * 3. A service one of whose secrets cannot be decrypted is not called: it would be asked with half a credential.
 */
import { ChangeWatch, type Database } from '@promptsales/database';
import { secretsKey, type Secrets } from './secrets.js';
import { serviceOf } from './service-body.js';
import { clockOf, readAll, type ServiceClock, type ServiceRow, type ServiceTables } from './service-rows.js';
import type { ServiceBody } from './service-schema.js';
import type { Service, ServiceSource } from './service.js';

const EVERY_MS = 500;

export interface ServiceDirectoryParts {
  readonly database: Database;
  readonly secrets: Secrets;
  /** Seconds, for services that do not say. */
  readonly defaultTtl: number;
  readonly watchFailed?: (error: unknown) => void;
  /** A stored credential cannot be decrypted. */
  readonly unreadable?: (service: string) => void;
}

export class ServiceDirectory implements ServiceSource {
  readonly #parts: ServiceDirectoryParts;
  readonly #watch: ChangeWatch;
  #clock: ServiceClock | null = null;
  #services: ReadonlyMap<string, Service> = new Map();

  constructor(parts: ServiceDirectoryParts) {
    this.#parts = parts;
    const failed = (error: unknown): void => parts.watchFailed?.(error);
    this.#watch = new ChangeWatch({ look: () => this.#catchUp(), everyMs: EVERY_MS, failed });
  }

  /** Throws when the database still does not answer after some attempts. */
  async start(): Promise<this> {
    await this.#watch.start();
    return this;
  }

  stop(): void {
    this.#watch.stop();
  }

  find(name: string): Service | null {
    return this.#services.get(name) ?? null;
  }

  /** A look that begins after this call: what was committed before is then in force here. Never rejects. */
  refresh(): Promise<void> {
    return this.#watch.refresh();
  }

  async #catchUp(): Promise<void> {
    const db = this.#parts.database.control<ServiceTables>();
    const now = await clockOf(db);
    if (now.revision === this.#clock?.revision && now.epoch === this.#clock.epoch) return;
    const { clock, services } = await readAll(db);
    this.#services = new Map(services.flatMap((row) => this.#readable(row)).map((service) => [service.name, service]));
    this.#clock = clock;
  }

  #readable({ name, body, space }: ServiceRow): Service[] {
    const { secrets, defaultTtl, unreadable } = this.#parts;
    let whole = true;
    const plain = secrets.revealed(body, secretsKey(name), () => (whole = false));
    if (whole) return [serviceOf({ name, space, body: plain as unknown as ServiceBody }, defaultTtl)];
    unreadable?.(name);
    return [];
  }
}
