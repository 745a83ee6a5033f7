import { Redis } from 'ioredis';
import { TTL_SECONDS, type StartLibrary } from './library.js';

/** No cache at all: what one GET (one MGET for many) and JSON.parse cost. */
export const plainIoredis: StartLibrary = async (redisUrl) => startPlain(new Redis(redisUrl));

/** The same, with the commands of one turn of the event loop in one pipeline. */
export const pipeliningIoredis: StartLibrary = async (redisUrl) =>
  startPlain(new Redis(redisUrl, { enableAutoPipelining: true }));

async function startPlain(redis: Redis): ReturnType<StartLibrary> {
  return {
    getOrLoad: async (key, load) => {
      const found = await redis.get(`plain:${key}`);
      if (found !== null) return JSON.parse(found) as unknown;
      const value = await load();
      await redis.set(`plain:${key}`, JSON.stringify(value), 'EX', TTL_SECONDS);
      return value;
    },
    getMany: async (keys) =>
      (await redis.mget(keys.map((key) => `plain:${key}`))).map((found) => JSON.parse(found as string) as unknown),
    close: async () => {
      await redis.quit();
    },
  };
}
