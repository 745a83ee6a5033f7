/** Role `sessions`: who is logged in. Never evicted. */
import { Type } from 'typebox';
import { Family } from '../family.js';
import { moment, openObject } from '../values/moment-schema.js';
import { json, text } from '../values/string-values.js';

export const session = new Family({
  id: 'session',
  pattern: 'session:{user_id}',
  role: 'sessions',
  description: "A user's session. `token` is the token's hash, never the token.",
  value: json(
    Type.Object({
      token: Type.String(),
      user_data: openObject(),
      created_at: moment(),
      last_activity: moment(),
      permissions: Type.Array(Type.String()),
    }),
  ),
  ttlSeconds: 86_400,
  ttlVariable: 'SESSION_TTL',
  expiry: 'sliding',
});

export const sessionToken = new Family({
  id: 'session.token',
  pattern: 'user:session:{token_hash}',
  role: 'sessions',
  description: "One device's session. Idle time slides; an absolute bound does not.",
  value: json(
    Type.Intersect([
      Type.Object({
        user_id: Type.String(),
        user_data: openObject(),
        permissions: Type.Array(Type.String()),
        created_at: moment(),
        last_activity: moment(),
        expires_at: moment(),
      }),
      openObject(),
    ]),
  ),
  ttlSeconds: 1800,
  expiry: 'sliding',
});

export const blacklist = new Family({
  id: 'blacklist',
  pattern: 'blacklist:{token_hash}',
  role: 'sessions',
  description: "A revoked token, kept until the token's own expiry.",
  value: text('when the token was revoked'),
  ttlSeconds: null,
  expiry: 'caller',
});

export const userPrefs = new Family({
  id: 'user_prefs',
  pattern: 'user_prefs:{user_id}',
  role: 'sessions',
  description: "A user's preferences. Keys that nobody declared are kept.",
  value: json(
    Type.Intersect([
      Type.Object({
        default_llm: Type.Optional(Type.String()),
        temperature: Type.Optional(Type.Number()),
        theme: Type.Optional(Type.String()),
      }),
      openObject(),
    ]),
  ),
  ttlSeconds: 86_400,
  ttlVariable: 'SESSION_TTL',
  expiry: 'sliding',
});
