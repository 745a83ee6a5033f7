import { parseRate } from './rate.js';

it.each([
  ['500/minuto', 500, 60],
  ['500 / minutos', 500, 60],
  ['1/segundo', 1, 1],
  ['10/s', 10, 1],
  ['20/Hora', 20, 3600],
  ['3/día', 3, 86_400],
  ['3/dias', 3, 86_400],
  ['0/minute', 0, 60],
])('%s is %i in %i s', (text, requests, windowSeconds) => {
  expect(parseRate(text)).toEqual({ requests, windowSeconds });
});

it.each([
  '',
  '500',
  'minuto',
  '/minuto',
  '500/',
  '-1/minuto',
  '1.5/minuto',
  '1/siglo',
  '1/constructor',
  '1e9/s',
  '5/minuto/x',
])('%j is no rate', (text) => {
  expect(parseRate(text)).toBeNull();
});
