import { InvalidCursorError, placeIn } from '@promptsales/http-edge';

/**
 * The sequence number of the last item shown.
 * @throws InvalidCursorError
 */
export function sequenceIn(cursor: string): string {
  const place = placeIn(cursor);
  if (!/^\d{1,18}$/.test(place)) throw new InvalidCursorError();
  return place;
}
