import type { RedisOptions } from 'ioredis';
import { RedisConfigurationError } from './errors.js';

/** `redis://[user:password@]host[:port][/database]`, `rediss://…`, `unix:///path`. The text itself is never shown. */
export function parseRedisUrl(url: string): { connection: RedisOptions; database: number | undefined } {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new RedisConfigurationError('a Redis URL looks like redis://user:password@host:6379/0');
  }
  const { protocol } = parsed;
  if (protocol !== 'redis:' && protocol !== 'rediss:' && protocol !== 'unix:') {
    throw new RedisConfigurationError('a Redis URL begins with redis://, rediss:// or unix://');
  }
  const credentials = {
    ...(parsed.username === '' ? {} : { username: decodeURIComponent(parsed.username) }),
    ...(parsed.password === '' ? {} : { password: decodeURIComponent(parsed.password) }),
  };
  if (protocol === 'unix:') return { connection: { ...credentials, path: parsed.pathname }, database: undefined };
  const path = parsed.pathname.replace(/^\//, '');
  if (path !== '' && !/^\d+$/.test(path))
    throw new RedisConfigurationError('the path of a Redis URL is a database number');
  return {
    connection: {
      ...credentials,
      host: parsed.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
      port: parsed.port === '' ? 6379 : Number(parsed.port),
      ...(protocol === 'rediss:' ? { tls: {} } : {}),
    },
    database: path === '' ? undefined : Number(path),
  };
}
