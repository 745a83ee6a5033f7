import { createParamDecorator, UnauthorizedException, type ExecutionContext } from '@nestjs/common';
import type { Principal } from '../access/principal.js';
import type { Actor } from '../audit/audit-log.js';

/** As much of the request as is needed; the application's authentication put the principal there. */
interface AuthenticatedRequest {
  readonly id?: unknown;
  readonly principal?: Principal | null;
}

/** The caller, with the request's id for the audit log. Refuses a request that nobody authenticated. */
export const Acting = createParamDecorator((_: unknown, context: ExecutionContext): Actor => {
  const { principal, id } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined || principal === null) throw new UnauthorizedException('A valid API key is needed.');
  return { principal, requestId: typeof id === 'string' ? id : null };
});
