/** A foreign writer: sets each key that it is told of, and says when Redis had done so. `lag-writer.js REDIS_URL` */
import { Redis } from 'ioredis';

const redis = new Redis(process.argv[2] ?? '', { db: 5 });

process.on('message', (key: string) => {
  void redis.set(key, '"newer"').then(() => process.send?.(String(process.hrtime.bigint())));
});
process.once('disconnect', () => redis.disconnect());
