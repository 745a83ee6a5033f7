/**
 * Lets a child process of a test run the workspace's TypeScript as it stands, decorators included.
 * What Jest compiles for itself is compiled here by the same compiler with the same settings.
 */
import { transformSync } from '@swc/core';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const workspace = new URL('../../', import.meta.url);
const settings = JSON.parse(readFileSync(new URL('.swcrc', workspace), 'utf8'));

/** Before any of the workspace's TypeScript is imported. */
export function runTypeScript() {
  registerHooks({
    resolve(specifier, context, next) {
      const library = /^@promptsales\/([a-z-]+)$/.exec(specifier)?.[1];
      if (library !== undefined) return next(new URL(`libs/${library}/src/index.ts`, workspace).href, context);
      const ours = specifier.startsWith('.') && !context.parentURL?.includes('/node_modules/');
      return next(ours && context.parentURL?.endsWith('.ts') ? specifier.replace(/\.js$/, '.ts') : specifier, context);
    },
    load(url, context, next) {
      if (!url.endsWith('.ts') || url.includes('/node_modules/')) return next(url, context);
      const filename = fileURLToPath(url);
      const { code } = transformSync(readFileSync(filename, 'utf8'), { ...settings, swcrc: false, filename });
      return { format: 'module', source: code, shortCircuit: true };
    },
  });
}
