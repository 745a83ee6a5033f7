import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The version in the `package.json` of the package that the given folder (`src` or `dist`) belongs to. */
export function versionOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8'));
  const version: unknown =
    typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined;
  if (typeof version !== 'string') throw new TypeError(`the package of ${folder} has no version`);
  return version;
}
