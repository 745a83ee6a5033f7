export const CACHE_CORE_SETTINGS = Symbol('CacheCoreSettings');

export interface CacheCoreSettings {
  /** Whether a decorated method or route that reads input outside its key fails (see `key-coverage`). */
  readonly keyCoverage: boolean;
}
