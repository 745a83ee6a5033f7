/** Where BullMQ keeps the queues that the worker runs. In role `state`, in one slot of a cluster. */
const LABEL = 'bull';

export const queueKeys = Object.freeze({
  id: 'queue.bullmq',
  label: LABEL,
  pattern: `${LABEL}:{jobs}:{queue}:…`,
  description:
    'What BullMQ keeps of a queue: its lists, sorted sets and stream, and a hash for each job, which holds nothing but its id. It may be lost: the worker fills it from PostgreSQL.',

  /** What BullMQ is told to put before each of its keys. */
  prefixAt(prefix = ''): string {
    return `${prefix}${LABEL}:{jobs}`;
  },

  holds(physical: string, prefix = ''): boolean {
    return physical.startsWith(`${prefix}${LABEL}:{jobs}:`);
  },
});
