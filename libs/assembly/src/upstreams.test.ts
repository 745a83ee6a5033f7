import type { StoredProvider } from '@promptsales/configuration';
import { Secret } from '@promptsales/environment';
import { upstreamsOf } from './upstreams.js';

const stored = (name: string, more: Partial<StoredProvider> = {}): StoredProvider => ({
  name,
  baseUrl: null,
  user: null,
  credential: null,
  models: [],
  protocol: null,
  prices: {},
  ...more,
});

function targetFor(
  found: { openai?: StoredProvider; offering?: StoredProvider },
  simulated = false,
  url: string | null = 'http://env/v1',
) {
  const upstream = { openAiBaseUrl: url, openAiApiKey: new Secret('env-key'), anthropicBaseUrl: null, simulated };
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

  it('is Anthropic’s for its operations, which is simulated only where the simulated provider itself is meant', () => {
    const asked = (anthropicBaseUrl: string | null, simulated = true, offered: StoredProvider | null = null) => {
      const upstream = {
        openAiBaseUrl: 'http://sim:1/v1',
        openAiApiKey: null,
        anthropicBaseUrl,
        anthropicApiKey: new Secret('ant-key'),
        simulated,
      };
      const offering = (_tenant: string, _model: string, protocol: string) =>
        protocol === 'anthropic' ? offered : null;
      const directory = upstreamsOf(
        { upstream } as never,
        { find: () => null, offering },
        { of: () => undefined as never },
      );
      return directory.targetFor({ operation: 'anthropic.messages', tenant: 't', model: 'm' });
    };
    expect(asked(null)).toBeNull();
    expect(asked('http://sim:1')).toEqual({
      provider: 'anthropic',
      baseUrl: 'http://sim:1',
      apiKey: 'ant-key',
      simulated: true,
    });
    expect(asked('https://api.anthropic.com')).toMatchObject({ simulated: false });
    expect(asked('http://sim:1', false)).toMatchObject({ simulated: false });
    const listing = stored('bedrock', {
      baseUrl: 'http://bedrock',
      credential: 'b',
      protocol: 'anthropic',
      models: ['m'],
    });
    expect(asked('http://sim:1', true, listing)).toMatchObject({ provider: 'bedrock', apiKey: 'b', simulated: false });
  });
});
