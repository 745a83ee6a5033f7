import type { UpstreamRequest, UpstreamResponse } from '../upstream/upstream-client.js';
import { ModelProber } from './model-prober.js';

const target = { provider: 'openai', baseUrl: 'http://p/v1', apiKey: null, simulated: false };

function prober(response: UpstreamResponse) {
  const asked: string[] = [];
  const upstream = {
    call: ({ path }: UpstreamRequest): Promise<UpstreamResponse> => {
      asked.push(path);
      return Promise.resolve(response);
    },
  };
  const upstreams = {
    targetFor: ({ operation }: { operation: string }) => (operation === 'openai.models' ? target : null),
  };
  return { asked, prober: new ModelProber({ upstream, upstreams }) };
}

const probe = (of: ModelProber, model: string) =>
  of.probe({ tenant: 't', provider: 'openai', model }, new AbortController().signal);
const REFUSED: UpstreamResponse = { kind: 'refused', status: 404, headers: {}, body: Buffer.alloc(0) };

it('asks for a model by a path of one segment', async () => {
  const { asked, prober: one } = prober(REFUSED);
  expect(await probe(one, 'meta/llama 3')).toMatchObject({ status: 'unknown' });
  expect(asked).toEqual(['/models/meta%2Fllama%203']);
});

it.each(['..', '.', 'a/../b', '..\\b', ''])(
  'trap 23: does not ask for %j, which would lead elsewhere',
  async (model) => {
    const { asked, prober: one } = prober(REFUSED);
    expect(await probe(one, model)).toBeNull();
    expect(asked).toEqual([]);
  },
);
