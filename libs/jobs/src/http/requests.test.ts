import { replayRequest } from './requests.js';

const ID = '01890000-0000-7000-8000-00000000000A';

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
