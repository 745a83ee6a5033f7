export type McpServerErrorCode = 'validation_failed' | 'not_found' | 'secret_mask';

const STATUS: Readonly<Record<McpServerErrorCode, number>> = {
  validation_failed: 400,
  not_found: 404,
  secret_mask: 422,
};

export interface McpServerFault {
  /** `tools.find_lead.ttl` */
  readonly path: string;
  readonly message: string;
}

/** A server's configuration cannot be shown, taken or removed as it was asked, and nothing was changed. Holds no value. */
export class McpServerError extends Error {
  override readonly name = 'McpServerError';
  readonly httpStatus: number;
  readonly errors?: readonly McpServerFault[];

  constructor(
    readonly code: McpServerErrorCode,
    message: string,
    errors?: readonly McpServerFault[],
  ) {
    super(message);
    this.httpStatus = STATUS[code];
    if (errors !== undefined) this.errors = errors;
  }
}

export function notThere(name: string): McpServerError {
  return new McpServerError('not_found', `No MCP server is called ${name}.`);
}
