import { Inject, Injectable, Logger, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Database } from '@promptsales/database';
import type { Page, PageRequest } from '@promptsales/http-edge';
import { anonymousPrincipal, type Principal } from './access/principal.js';
import { AuditLog, type Actor } from './audit/audit-log.js';
import { DatabaseKeySource } from './authentication/key-facts.js';
import { KeyAuthenticator, type AuthenticatorStatus } from './authentication/key-authenticator.js';
import { IDENTITY_OPTIONS, type IdentityOptions } from './identity-options.js';
import { checkDraft, UnknownApiKeyError, type ApiKey, type ApiKeyDraft } from './keys/api-key.js';
import { isKeyId } from './keys/key-format.js';
import { KeyStore } from './keys/key-store.js';

const DEFAULT_POLL_MS = 250;
const DEFAULT_GRACE_SECONDS = 3600;
/** A condition that lasts is logged now and then, not four times a second. */
const REPEAT_LOG_MS = 60_000;

/** API keys: who presents one, and their administration. */
@Injectable()
export class ApiKeys implements OnModuleInit, OnModuleDestroy {
  /** Who a request without a key is; null where it is nobody. */
  readonly anonymous: Principal | null;
  readonly #authenticator: KeyAuthenticator;
  readonly #store: KeyStore;
  readonly #log = new Logger('ApiKeys');
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(
    @Inject(IDENTITY_OPTIONS) options: IdentityOptions,
    @Inject(Database) database: Database,
    @Inject(AuditLog) audit: AuditLog,
  ) {
    this.anonymous = anonymousPrincipal(options.anonymousScopes ?? []);
    this.#store = new KeyStore(database, audit);
    this.#authenticator = new KeyAuthenticator({
      source: new DatabaseKeySource(database),
      adminKey: options.adminKey,
      pollEveryMs: options.pollEveryMs ?? DEFAULT_POLL_MS,
      graceMs: (options.graceSeconds ?? DEFAULT_GRACE_SECONDS) * 1000,
      failed: (error) => this.#failed(error),
    });
  }

  onModuleInit(): Promise<void> {
    return this.#authenticator.start();
  }

  onModuleDestroy(): void {
    this.#authenticator.stop();
  }

  /**
   * Who presents this key; null when it is not valid. A known key is answered without a promise. Throws or rejects with
   * `DatabaseUnavailableError` when it cannot be known at the moment.
   */
  authenticate(presented: string): Principal | null | Promise<Principal | null> {
    return this.#authenticator.authenticate(presented);
  }

  /** For health and metrics. */
  status(): AuthenticatorStatus {
    return this.#authenticator.status();
  }

  /** `key` is shown this once. */
  async create(actor: Actor, draft: ApiKeyDraft): Promise<{ apiKey: ApiKey; key: string }> {
    checkDraft(draft);
    return this.#store.create(actor, draft);
  }

  /** For whom a key was ever made, be it revoked by now. */
  tenants(): Promise<readonly string[]> {
    return this.#store.tenants();
  }

  async find(viewer: Principal, id: string): Promise<ApiKey> {
    const found = isKeyId(id) ? await this.#store.find(id, ownTenant(viewer)) : null;
    if (found === null) throw new UnknownApiKeyError(id);
    return found;
  }

  /** Newest first. Whoever is no administrator sees the own tenant, whatever `tenant` says. */
  list(viewer: Principal, tenant: string | null, page: PageRequest): Promise<Page<ApiKey>> {
    return this.#store.list(ownTenant(viewer) ?? tenant, page);
  }

  /** In force in this process when it resolves, and in every other within a second. */
  async revoke(actor: Actor, id: string): Promise<void> {
    const found = isKeyId(id) && (await this.#store.revoke(actor, id, ownTenant(actor.principal)));
    if (!found) throw new UnknownApiKeyError(id);
    await this.#authenticator.refresh();
  }

  #failed(error: unknown): void {
    const now = performance.now();
    if (now - this.#loggedAt < REPEAT_LOG_MS) return;
    this.#loggedAt = now;
    const what = error instanceof Error ? `${error.name}: ${error.message}` : 'an unknown error';
    this.#log.error(`changes of API keys cannot be read, known keys stay valid for the grace only (${what})`);
  }
}

/** The one tenant that somebody may see; null for all. */
function ownTenant(viewer: Principal): string | null {
  return viewer.admin ? null : viewer.tenant;
}
