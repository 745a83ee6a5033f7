/**
 * The services that are stored, at hand in every process without asking anybody.
 *
 * A service one of whose secrets cannot be decrypted is not called: it would be asked with half a credential.
 */
import { FollowedTable, type Database } from '@promptsales/database';
import type { Selectable } from 'kysely';
import { secretsKey, type Secrets } from './secrets.js';
import { serviceOf } from './service-body.js';
import type { ServicesTable } from './service-rows.js';
import type { ServiceBody } from './service-schema.js';
import type { Service, ServiceSource } from './service.js';

export interface ServiceDirectoryParts {
  readonly database: Database;
  readonly secrets: Secrets;
  /** Seconds, for services that do not say. */
  readonly defaultTtl: number;
  readonly watchFailed?: (error: unknown) => void;
  /** A stored credential cannot be decrypted. */
  readonly unreadable?: (service: string) => void;
}

export class ServiceDirectory extends FollowedTable<Selectable<ServicesTable>> implements ServiceSource {
  readonly #parts: ServiceDirectoryParts;
  #services: ReadonlyMap<string, Service> = new Map();

  constructor(parts: ServiceDirectoryParts) {
    const failed = (error: unknown): void => parts.watchFailed?.(error);
    super({ database: parts.database, clock: { name: 'call_service', table: 'call_services' }, failed });
    this.#parts = parts;
  }

  find(name: string): Service | null {
    return this.#services.get(name) ?? null;
  }

  protected take(rows: readonly Selectable<ServicesTable>[]): void {
    this.#services = new Map(rows.flatMap((row) => this.#readable(row)).map((service) => [service.name, service]));
  }

  #readable({ name, body, space }: Selectable<ServicesTable>): Service[] {
    const { secrets, defaultTtl, unreadable } = this.#parts;
    let whole = true;
    const plain = secrets.revealed(body, secretsKey(name), () => (whole = false));
    if (whole) return [serviceOf({ name, space, body: plain as unknown as ServiceBody }, defaultTtl)];
    unreadable?.(name);
    return [];
  }
}
