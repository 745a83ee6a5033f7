import type { BreakerStatus } from './shared-breaker.js';

/** What breakers tell whoever measures them. Called synchronously; services are configured names. */
export interface BreakerObserver {
  changed?(service: string, status: BreakerStatus): void;
  refused?(service: string): void;
  /** Redis could not be told or asked; the breaker goes on with what it knows. */
  alone?(service: string): void;
}
