import { LlmError } from '../protocol/llm-error.js';
import { parseLlmCacheControls } from './cache-controls.js';

function refused(headers: Record<string, string>): LlmError {
  try {
    parseLlmCacheControls(headers);
  } catch (error) {
    if (error instanceof LlmError) return error;
    throw error;
  }
  throw new Error(`not refused: ${JSON.stringify(headers)}`);
}

describe('cache controls of a request to a model', () => {
  it('shares one frozen object among requests that say nothing', () => {
    const controls = parseLlmCacheControls({ host: 'x' });
    expect(controls).toBe(parseLlmCacheControls({}));
    expect(Object.isFrozen(controls)).toBe(true);
    expect(controls).toMatchObject({ noCache: false, namespace: '', replay: { kind: 'instant' } });
  });

  it('refuses what cannot be read in the shape of the provider, naming the header', () => {
    const code = 'invalid_cache_control';
    expect(refused({ 'cache-control': 'max-age' })).toMatchObject({ status: 400, code, param: 'cache-control' });
    expect(refused({ 'x-cache-ttl': '0' })).toMatchObject({ status: 400, param: 'x-cache-ttl' });
  });

  it.each([
    ['instant', { kind: 'instant' }],
    ['paced', { kind: 'paced', speed: 1 }],
    ['speed=2', { kind: 'paced', speed: 2 }],
    ['speed=0.5', { kind: 'paced', speed: 0.5 }],
  ])('reads x-cache-replay %p', (value, replay) => {
    expect(parseLlmCacheControls({ 'x-cache-replay': value }).replay).toEqual(replay);
  });

  it.each(['fast', 'speed=', 'speed=0', 'speed=0.0', 'speed=-1', 'speed=1001', 'speed=Infinity', 'Instant'])(
    'refuses x-cache-replay %p',
    (value) => {
      expect(refused({ 'x-cache-replay': value })).toMatchObject({ status: 400, param: 'x-cache-replay' });
    },
  );
});
