/** A service as the API takes and shows it: what is checked is what the OpenAPI document says. */
import { Type, type Static } from 'typebox';

const MOST_SECONDS = 31_536_000;
const SECRET = { description: 'A secret: shown masked. A mask that is sent back leaves it as it was.' };
const closed = { additionalProperties: false } as const;
const pattern = (): ReturnType<typeof Type.String> =>
  Type.String({ pattern: '^/', maxLength: 1024, description: 'A path below `base_url`; `*` stands for anything.' });
const seconds = (description: string): ReturnType<typeof Type.Integer> =>
  Type.Integer({ minimum: 0, maximum: MOST_SECONDS, description });

export const SERVICE = Type.Object(
  {
    base_url: Type.String({
      maxLength: 2048,
      description: 'Requests go below it and to nothing else. Shown as it is: no secrets.',
    }),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String({ maxLength: 8192 }), {
        description: 'Sent with each call. Values of `authorization`, `x-api-key` and the like are secrets.',
      }),
    ),
    credentials: Type.Optional(
      Type.Union(
        [
          Type.String({ maxLength: 8192, description: 'A bearer token.' }),
          Type.Object({ bearer: Type.String({ maxLength: 8192 }) }, closed),
          Type.Object(
            { username: Type.String({ maxLength: 1024 }), password: Type.String({ maxLength: 8192 }) },
            closed,
          ),
          Type.Object({ header: Type.String({ maxLength: 256 }), value: Type.String({ maxLength: 8192 }) }, closed),
        ],
        SECRET,
      ),
    ),
    ttl: Type.Optional(seconds('How long a 200 lives that says nothing of it. 0: not at all.')),
    ttl_rules: Type.Optional(
      Type.Array(
        Type.Object(
          {
            path: pattern(),
            ttl: seconds('Instead of `ttl`.'),
            override: Type.Optional(Type.Boolean({ description: 'Wins over what the answer says itself.' })),
            name: Type.Optional(
              Type.String({
                pattern: '^[A-Za-z0-9_.-]{1,100}$',
                description: 'The operation, in the key instead of the verb.',
              }),
            ),
          },
          closed,
        ),
        { maxItems: 100, description: 'The first whose path fits.' },
      ),
    ),
    lookup_posts: Type.Optional(
      Type.Array(pattern(), {
        maxItems: 100,
        description: 'Where a POST looks something up: its body is part of what is asked.',
      }),
    ),
    forward_authorization: Type.Optional(
      Type.Boolean({
        description:
          "The caller's `Authorization` (when the platform's key came in `x-api-key`) and `Cookie` go along.",
      }),
    ),
    stale_if_error: Type.Optional(seconds('How long past its lifetime an answer serves while the service fails.')),
    private_addresses: Type.Optional(
      Type.Boolean({ description: 'The host, though its name looks public, may lead to private addresses.' }),
    ),
    rate_limit: Type.Optional(
      Type.Union([
        Type.String({ maxLength: 64, description: 'Such as `500/minuto`: calls by all callers and processes.' }),
        Type.Object(
          {
            limit: Type.Integer({ minimum: 1, maximum: 1e9 }),
            window_seconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
          },
          closed,
        ),
      ]),
    ),
    concurrency: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 10_000, description: 'Calls at a time, of each process.' }),
    ),
    breaker: Type.Optional(
      Type.Object(
        {
          consecutive_failures: Type.Optional(Type.Integer({ minimum: 1, maximum: 1e6 })),
          failure_percent: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
          minimum_calls: Type.Optional(Type.Integer({ minimum: 1, maximum: 1e6 })),
          open_seconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 120 })),
        },
        {
          ...closed,
          description: 'Instead of what UPSTREAM_BREAKER_… say. Counts for a process from its first call on.',
        },
      ),
    ),
  },
  closed,
);

export type ServiceBody = Static<typeof SERVICE>;

export const SERVICE_ANSWER = {
  ...SERVICE,
  required: [...(SERVICE.required ?? []), 'name', 'created_at', 'updated_at'],
  properties: {
    name: { type: 'string', example: 'crm' },
    ...SERVICE.properties,
    created_at: { type: 'string', format: 'date-time' },
    updated_at: { type: 'string', format: 'date-time' },
  },
};
