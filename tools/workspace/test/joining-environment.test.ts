import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const modulePath = join(import.meta.dirname, '../joining-environment.mjs');
const OF_START = {
  PORT: '3000',
  REDIS_URL: 'redis://127.0.0.1:1',
  OPENAI_BASE_URL: 'http://127.0.0.1:2/v1',
  OPENAI_API_KEY: 'key-of-start',
  ANTHROPIC_BASE_URL: 'http://127.0.0.1:2',
  ANTHROPIC_API_KEY: 'key-of-start',
  SIMULATED_UPSTREAM: 'true',
};

function joining(given: Record<string, string>): unknown {
  const script = `
    import { joiningEnvironment } from ${JSON.stringify(modulePath)};
    console.log(JSON.stringify(joiningEnvironment(${JSON.stringify(OF_START)}, ${JSON.stringify(given)})));
  `;
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }));
}

describe('joiningEnvironment', () => {
  it('takes all but the ports, and the given values first', () => {
    const { PORT: _port, REDIS_URL: _redis, ...rest } = OF_START;
    expect(joining({ REDIS_URL: 'redis://own' })).toEqual(rest);
  });

  it('leaves the simulated upstream alone when an upstream is given: real spending is never booked as simulated', () => {
    expect(joining({ OPENAI_BASE_URL: 'https://api.openai.com/v1' })).toEqual({ REDIS_URL: OF_START.REDIS_URL });
    expect(joining({ ANTHROPIC_BASE_URL: 'https://api.anthropic.com' })).toEqual({
      REDIS_URL: OF_START.REDIS_URL,
      OPENAI_BASE_URL: OF_START.OPENAI_BASE_URL,
      OPENAI_API_KEY: OF_START.OPENAI_API_KEY,
      SIMULATED_UPSTREAM: 'true',
    });
  });
});
