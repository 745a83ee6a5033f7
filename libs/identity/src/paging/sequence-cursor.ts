import { placeIn } from '@promptsales/http-edge';

/**
 * The sequence number of the last item shown.
 * @throws InvalidCursorError
 */
export function sequenceIn(cursor: string): string {
  return placeIn(cursor, (place) => /^\d{1,18}$/.test(place));
}
