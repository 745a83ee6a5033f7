/** A name by which a path would lead elsewhere. */
const DOTS = /(?:^|[/\\])\.\.?(?:[/\\]|$)/;

/** A model in the path by which its provider tells of it; null for what is no name of one. */
export function modelSegment(model: string): string | null {
  return model === '' || DOTS.test(model) ? null : encodeURIComponent(model.toWellFormed());
}
