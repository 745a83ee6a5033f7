import type { StoredProvider } from '@promptsales/configuration';
import { Secret } from '@promptsales/environment';
import { upstreamsOf } from './upstreams.js';

const stored = (name: string, more: Partial<StoredProvider> = {}): StoredProvider => ({
  name,
  baseUrl: null,
  credential: null,
  models: [],
  prices: {},
  ...more,
});

function targetFor(
  found: { openai?: StoredProvider; offering?: StoredProvider },
  simulated = false,
  url: string | null = 'http://env/v1',
) {
  const upstream = { openAiBaseUrl: url, openAiApiKey: new Secret('env-key'), simulated };
  const providers = { find: () => found.openai ?? null, offering: () => found.offering ?? null };
  const directory = upstreamsOf({ upstream } as never, providers, { of: () => undefined as never });
  return directory.targetFor({ operation: 'openai.chat.completions', tenant: 't', model: 'm' });
}

describe('whom the gateway asks', () => {
  it('is the environment’s upstream where nothing is stored, or nothing that says whom to ask', () => {
    const expected = { provider: 'openai', baseUrl: 'http://env/v1', apiKey: 'env-key', simulated: false };
    expect(targetFor({})).toEqual(expected);
    expect(targetFor({ openai: stored('openai', { models: ['x'] }) })).toEqual(expected);
    expect(targetFor({}, false, null)).toBeNull();
  });

  it('is the stored provider, which never gets the environment’s credential', () => {
    expect(targetFor({ openai: stored('openai', { baseUrl: 'http://stored/v1' }) })).toEqual({
      provider: 'openai',
      baseUrl: 'http://stored/v1',
      apiKey: null,
      simulated: false,
    });
  });

  it('is the environment’s address with the stored credential, but a simulated provider never gets that', () => {
    const openai = stored('openai', { credential: 'sk-stored' });
    expect(targetFor({ openai })).toMatchObject({ baseUrl: 'http://env/v1', apiKey: 'sk-stored' });
    const real = { baseUrl: 'https://api.openai.com/v1', apiKey: 'sk-stored', simulated: false };
    expect(targetFor({ openai }, true)).toMatchObject(real);
    expect(targetFor({ openai }, false, null)).toMatchObject(real);
  });

  it('is the one that lists the model before all', () => {
    const offering = stored('groq', { baseUrl: 'http://groq/v1', credential: 'gsk', models: ['m'] });
    expect(targetFor({ openai: stored('openai', { baseUrl: 'http://stored/v1' }), offering })).toMatchObject({
      provider: 'groq',
      baseUrl: 'http://groq/v1',
    });
  });
});
