import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { invalid, readOnly } from '../record/record-errors.js';
import { uuidOf } from '../record/record-fields.js';
import { RECORDS_OPTIONS, type RecordsOptions } from '../records-options.js';

const TENANTS = new WeakMap<object, string>();

/** Whose records a request is about, once the guard has let it in. */
export function tenantOf(request: unknown): string {
  const tenant = typeof request === 'object' && request !== null ? TENANTS.get(request) : undefined;
  if (tenant === undefined) throw new Error('RecordsGuard has not seen this request');
  return tenant;
}

/** In front of every route of records: whose they are, an id that can be one, and whether they are written here at all. */
@Injectable()
export class RecordsGuard implements CanActivate {
  readonly #options: RecordsOptions;

  constructor(@Inject(RECORDS_OPTIONS) options: RecordsOptions) {
    this.#options = options;
  }

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest<{ Params: { id?: string } }>>();
    TENANTS.set(request, this.#options.callerOf(request).tenant);
    if (this.#options.owner === 'etl' && request.method !== 'GET' && request.method !== 'HEAD') throw readOnly();
    const { id } = request.params;
    if (id !== undefined && uuidOf(id) === null) throw invalid([{ path: 'id', message: 'must be a UUID' }]);
    return true;
  }
}
