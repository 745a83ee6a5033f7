/** The same direction with length 1, in place; all zero stays so. */
export function toUnit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const component of vector) squares += component * component;
  if (squares === 0) return vector;
  const scale = 1 / Math.sqrt(squares);
  for (let at = 0; at < vector.length; at += 1) vector[at] = (vector[at] as number) * scale;
  return vector;
}

/** The cosine of two unit vectors of one length. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at += 1) sum += (a[at] as number) * (b[at] as number);
  return sum;
}
