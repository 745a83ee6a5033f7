import type { KeyRef } from '@promptsales/cache-core';
import type { FieldError } from '@promptsales/http-edge';
import type { FastifyRequest } from 'fastify';
import type { Transaction } from 'kysely';
import type { JsonObject } from './json.js';

/** What an administrator will want to know of later. Never a value: names only. */
export interface ConfigurationAct {
  /** `configuration.create`, `configuration.replace`, `configuration.delete`, `client_configuration.replace`, … */
  readonly action: string;
  /** `configuration:github`, `client_configuration:crm` */
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Who changes a configuration, as far as configurations are concerned. */
export interface Actor {
  readonly tenant: string;
  /** May change what serves all tenants. */
  readonly admin: boolean;
  /** Writes an act down in the transaction that carries it out: neither is there without the other. */
  note<Tables>(transaction: Transaction<Tables>, act: ConfigurationAct): Promise<void>;
}

/**
 * Commits a change together with what it makes outdated, and invalidates that before it returns: the outbox of the cache's
 * management, as the application wires it.
 */
export interface CommittingOutbox {
  committing<Tables, T>(
    work: (
      transaction: Transaction<Tables>,
      outdate: (outdated: { readonly keys: readonly KeyRef[] }) => Promise<void>,
    ) => Promise<T>,
  ): Promise<T>;
}

/** What cannot be stored of a system's configuration, with its secrets as plain text; all that is wrong with it. */
export type SystemCheck = (value: JsonObject) => readonly FieldError[];

/** What is absorbed is told here. */
export interface ConfigurationObserver {
  /** A configuration was committed and is not in Redis yet: its next reader brings it there. */
  notWarmed?(error: unknown): void;
  /** The database could not be asked for changed providers; the last known ones go on serving. */
  watchFailed?(error: unknown): void;
  /** The credential of a stored provider cannot be decrypted: it is asked without one. */
  unreadableCredential?(provider: string): void;
}

export interface ConfigurationOptions {
  /** The application has authenticated the request and knows whose it is. */
  readonly actorOf: (request: FastifyRequest) => Actor;
  readonly outbox: CommittingOutbox;
  /** Writes down what is done to the cache alone. It does not wait for the database. */
  readonly audit: (request: FastifyRequest, act: ConfigurationAct) => void;
  /**
   * Providers that serve every tenant when an administrator stores them for the tenant `default`, and that nobody else may
   * change then.
   */
  readonly sharedProviders: readonly string[];
  /** Of the configurations that parts of the platform are configured by, by key: those are of the type `system`. */
  readonly systems?: Readonly<Record<string, SystemCheck>>;
  readonly observer?: ConfigurationObserver;
}

export const CONFIGURATION_OPTIONS = Symbol('configuration options');
