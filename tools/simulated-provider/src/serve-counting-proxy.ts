/** `node dist/serve-counting-proxy.js UPSTREAM_URL [PORT]`: the counting proxy in front of any upstream, as a process. */
import { startCountingProxy } from './counting-proxy.js';

const [upstream, port] = process.argv.slice(2);
if (upstream === undefined || !URL.canParse(upstream)) {
  console.error('Usage: node dist/serve-counting-proxy.js UPSTREAM_URL [PORT]');
  process.exit(2);
}

const proxy = await startCountingProxy({ upstream, ...(port === undefined ? {} : { port: Number(port) }) });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void proxy.stop().then(() => process.exit(0)));
console.log(`ready ${proxy.url}`);
