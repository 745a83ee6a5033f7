/**
 * The processor time in milliseconds that this process spends on a piece of synchronous work, all threads together. For
 * claims such as "in linear time": unlike the time on the clock it says the same on a busy machine.
 */
export function processorMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
