import { DEFAULT_SETTINGS, generationSettings, promptOf, settingsFaults } from './generation-settings.js';

it('takes what is stored over the defaults, and these where nothing is', () => {
  expect(generationSettings(null)).toEqual(DEFAULT_SETTINGS);
  expect(generationSettings({ model: 'm', params: { temperature: 0 }, other: 1 })).toEqual({
    ...DEFAULT_SETTINGS,
    model: 'm',
    params: { temperature: 0 },
  });
});

it.each([
  { model: '' },
  { model: 1 },
  { prompt: null },
  { mensajes: 0 },
  { mensajes: 1.5 },
  { mensajes: 101 },
  { params: [] },
  { params: { messages: [] } },
  { model: 'm'.repeat(201) },
])('gives a job up, without further attempts, for %j', (stored) => {
  expect(() => generationSettings(stored)).toThrow(
    expect.objectContaining({ code: 'configuration_invalid', retriable: false }),
  );
});

it('names all that cannot be used', () => {
  const stored = { model: 1, prompt: '', mensajes: '3', params: { temperature: 0, stream: true, n: 2 }, other: 1 };
  expect(settingsFaults(stored).map(({ path }) => path)).toEqual([
    'model',
    'prompt',
    'mensajes',
    'params.n',
    'params.stream',
  ]);
  expect(settingsFaults({})).toEqual([]);
});

it('puts values into the prompt, once', () => {
  const values = { campana_id: '{segmento}', segmento: '$& x', mensajes: '3' };
  expect(promptOf({ prompt: '{campana_id}/{segmento}/{mensajes}/{other}' }, values)).toBe('{segmento}/$& x/3/{other}');
});
