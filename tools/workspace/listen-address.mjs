/** Where the API and the worker shall listen, checked before anything slow. */
import { freePort, isPortFree } from '../local-services/index.mjs';
import { StartError } from './progress.mjs';

function portFrom(name, fallback) {
  const text = process.env[name] || String(fallback);
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    throw new StartError(`${name}: got ${JSON.stringify(text)}; takes a whole number from 0 to 65535`);
  }
  return port;
}

/** Not the next one, which is usually the worker's. */
const otherPort = (port) => (port + 100 <= 65_535 ? port + 100 : port - 100);

async function isFree(name, port, host) {
  try {
    return port === 0 || (await isPortFree(port, host));
  } catch (error) {
    if (error.code === 'EACCES') {
      throw new StartError(
        `${name}: this user may not listen on port ${port}; choose one above 1023, for example ${name}=3100 npm start`,
      );
    }
    throw new StartError(
      `HOST: got ${JSON.stringify(host)}, on which this machine cannot listen (${error.code}); takes an address of this machine`,
    );
  }
}

/** Resolves to `{ host, port, workerPort, note? }`; `note` says when the worker was given another port than usual. */
export async function listenAddress() {
  const host = process.env.HOST || '127.0.0.1';
  const port = portFrom('PORT', 3000);
  const workerPort = portFrom('WORKER_PORT', 3001);
  if (!(await isFree('PORT', port, host))) {
    throw new StartError(
      `PORT ${port} on ${host} is in use by another process. Choose another, for example:  PORT=${otherPort(port)} npm start`,
    );
  }
  const workerPortFree = workerPort === 0 || (workerPort !== port && (await isFree('WORKER_PORT', workerPort, host)));
  if (workerPortFree) return { host, port, workerPort };
  if (process.env.WORKER_PORT) {
    throw new StartError(
      `WORKER_PORT ${workerPort} on ${host} is in use${workerPort === port ? ' by PORT' : ' by another process'}. ` +
        `Choose another, for example:  WORKER_PORT=${otherPort(workerPort)} npm start`,
    );
  }
  const other = await freePort(host);
  return {
    host,
    port,
    workerPort: other,
    note: `port ${workerPort} is in use: the worker takes ${other} (WORKER_PORT chooses it)`,
  };
}
