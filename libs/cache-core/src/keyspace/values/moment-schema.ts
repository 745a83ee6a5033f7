import { Type } from 'typebox';

/** We write ISO 8601 in UTC. Other systems that write the same keys also put epoch seconds there, which is read as it is. */
export const moment = () =>
  Type.Union([Type.String(), Type.Number()], { description: 'ISO 8601 UTC, or epoch seconds' });

/** A JSON object of which nothing is known but that it is one. */
export const openObject = () => Type.Record(Type.String(), Type.Unknown());
