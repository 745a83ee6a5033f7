import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { HEALTH_OPTIONS, type HealthOptions } from '../health-options.js';
import { HealthSummary, type HealthSummaryReport } from './health-summary.js';

/** Connections that are made at start are made by then. */
const FIRST_LOOK_MS = 1000;

/** Looks at the state by itself, so that a change is in the log and the metrics even when nobody probes. */
@Injectable()
export class HealthMonitor implements OnApplicationBootstrap, OnModuleDestroy {
  #first: NodeJS.Timeout | undefined;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(
    @Inject(HealthSummary) private readonly summary: HealthSummary,
    @Inject(HEALTH_OPTIONS) private readonly options: HealthOptions,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.look(), this.options.checkIntervalMs);
    this.#timer.unref();
    this.#first = setTimeout(() => void this.look(), FIRST_LOOK_MS);
    this.#first.unref();
  }

  onModuleDestroy(): void {
    clearTimeout(this.#first);
    clearInterval(this.#timer);
  }

  async look(): Promise<void> {
    let report: HealthSummaryReport;
    try {
      report = await this.summary.report();
    } catch (error) {
      this.options.log.warn({ err: error }, 'health could not be determined');
      return;
    }
    this.options.metrics?.dependencies({
      redis: report.redis === 'connected',
      database: report.database === 'connected',
    });
    const now = JSON.stringify([report.status, report.redis, report.database, report.details['redis']]);
    if (now === this.#last) return;
    const first = this.#last === '';
    this.#last = now;
    const fields = { status: report.status, redis: report.redis, database: report.database, details: report.details };
    if (report.status === 'healthy') {
      if (!first) this.options.log.info(fields, 'healthy again');
    } else this.options.log.warn(fields, `health is ${report.status}`);
  }
}
