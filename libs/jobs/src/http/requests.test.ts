import { ProblemError } from '@promptsales/http-edge';
import { enqueueRequest, replayRequest } from './requests.js';

const ID = '01890000-0000-7000-8000-00000000000A';

it('names all that is wrong with a request', () => {
  expect(pathsOf(() => enqueueRequest({ segmento: [], priority: 'urgent' }))).toEqual([
    'campana_id',
    'segmento',
    'priority',
  ]);
  expect(pathsOf(() => enqueueRequest({ priority: 7 }, 'c1'))).toEqual(['segmento', 'priority']);
  expect(pathsOf(() => enqueueRequest({ campana_id: 'c1', segmento: 's', priority: 7 }))).toEqual(['priority']);
  expect(pathsOf(() => replayRequest({ id: 7, ids: [], all: true }))).toEqual(['ids', 'all', 'id']);
});

function pathsOf(refused: () => unknown): string[] {
  try {
    refused();
  } catch (error) {
    if (error instanceof ProblemError) return (error.errors ?? []).map(({ path }) => path);
    throw error;
  }
  return [];
}

it.each([[undefined], [null], [{}]])('replays all where no id is given: %j', (body) => {
  expect(replayRequest(body)).toBeUndefined();
});

it('replays the one that is named', () => {
  expect(replayRequest({ id: ID })).toBe(ID.toLowerCase());
});

it.each([[{ id: 7 }], [{ id: null }], [{ id: [ID] }], [{ ids: [ID] }], [[ID]], [ID]])(
  'never takes %j for all',
  (body) => {
    expect(() => replayRequest(body)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  },
);

it('finds nothing of another name', () => {
  expect(() => replayRequest({ id: '7' })).toThrow(expect.objectContaining({ code: 'not_found' }));
});
