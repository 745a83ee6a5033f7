/**
 * Every code that an answer of ours may carry, with its status and title. `docs/api-errors.md` explains each; clients may
 * rely on codes, never on the wording of `detail`.
 */
export const PROBLEM_CODES = {
  bad_request: { status: 400, title: 'The request cannot be understood' },
  bad_url: { status: 400, title: 'The URL is malformed' },
  bad_header: { status: 400, title: 'A header is malformed' },
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  body_too_deep: { status: 400, title: 'The body nests too deep' },
  forbidden_member: { status: 400, title: 'The body has a member with a name that is not taken' },
  invalid_utf8: { status: 400, title: 'The body is not valid UTF-8' },
  validation_failed: { status: 400, title: 'The request does not have the expected shape' },
  unauthenticated: { status: 401, title: 'A valid API key is needed' },
  forbidden: { status: 403, title: 'The API key may not do this' },
  not_found: { status: 404, title: 'There is no such resource' },
  unknown_route: { status: 404, title: 'There is no such route' },
  method_not_allowed: { status: 405, title: 'The route does not take this method' },
  request_timeout: { status: 408, title: 'The request did not arrive in time' },
  conflict: { status: 409, title: 'The request conflicts with the present state' },
  lock_held: { status: 409, title: 'Somebody else holds the lock' },
  records_read_only: { status: 409, title: 'These records are written elsewhere' },
  not_lock_holder: { status: 409, title: 'The lock is not held by this owner' },
  wrong_type: { status: 409, title: 'What lies at the key is no value of its family' },
  precondition_failed: { status: 412, title: 'The resource is in another state' },
  body_too_large: { status: 413, title: 'The body is too large' },
  uri_too_long: { status: 414, title: 'The URL is too long' },
  unsupported_media_type: { status: 415, title: 'The content type is not supported here' },
  unknown_family: { status: 422, title: 'There is no such family of keys' },
  pattern_refused: { status: 422, title: 'The pattern reaches further than a pattern may' },
  value_refused: { status: 422, title: 'The value is none of its family' },
  ttl_out_of_range: { status: 422, title: 'The family’s keys do not take this time to live' },
  configuration_invalid: { status: 422, title: 'The configuration cannot be taken' },
  secret_mask: { status: 422, title: 'A mask stands for no stored secret' },
  unprocessable: { status: 422, title: 'The request cannot be carried out' },
  too_many_operations: { status: 429, title: 'Too many operations are under way' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'Something unexpected went wrong' },
  not_implemented: { status: 501, title: 'This is not supported' },
  bad_gateway: { status: 502, title: 'An upstream gave no usable answer' },
  service_unavailable: { status: 503, title: 'The service cannot do this at the moment' },
  database_unavailable: { status: 503, title: 'The database cannot be reached' },
  redis_unavailable: { status: 503, title: 'Redis cannot be reached' },
  shutting_down: { status: 503, title: 'This process is shutting down' },
  gateway_timeout: { status: 504, title: 'An upstream did not answer in time' },
  not_cached: { status: 504, title: 'Nothing that is kept answers this request' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEM_CODES;

const BY_STATUS: ReadonlyMap<number, ProblemCode> = new Map<number, ProblemCode>([
  [400, 'bad_request'],
  [401, 'unauthenticated'],
  [403, 'forbidden'],
  [404, 'not_found'],
  [405, 'method_not_allowed'],
  [408, 'request_timeout'],
  [409, 'conflict'],
  [412, 'precondition_failed'],
  [413, 'body_too_large'],
  [414, 'uri_too_long'],
  [415, 'unsupported_media_type'],
  [422, 'unprocessable'],
  [429, 'too_many_requests'],
  [431, 'headers_too_large'],
  [500, 'internal_error'],
  [501, 'not_implemented'],
  [502, 'bad_gateway'],
  [503, 'service_unavailable'],
  [504, 'gateway_timeout'],
]);

/** The general code of a status; a status without one of its own falls back to its class. */
export function codeOfStatus(status: number): ProblemCode {
  return BY_STATUS.get(status) ?? (status >= 500 ? 'internal_error' : 'bad_request');
}
