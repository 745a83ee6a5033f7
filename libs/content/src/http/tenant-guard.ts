import { Inject, Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CONTENT_OPTIONS, type ContentOptions } from '../content-options.js';

const TENANTS = new WeakMap<object, string>();

/** Whose content a request is about, once the guard has let it in. */
export function tenantOf(request: unknown): string {
  const tenant = typeof request === 'object' && request !== null ? TENANTS.get(request) : undefined;
  if (tenant === undefined) throw new Error('TenantGuard has not seen this request');
  return tenant;
}

@Injectable()
export class TenantGuard implements CanActivate {
  constructor(@Inject(CONTENT_OPTIONS) private readonly options: ContentOptions) {}

  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    TENANTS.set(request, this.options.callerOf(request).tenant);
    return true;
  }
}
