import { cp, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { transform, type Options } from '@swc/core';
import { mutate, type Mutation } from './mutation.js';

const CORE = 'libs/cache-core';
const SIMULATOR = 'tools/simulator';

/**
 * A copy of the built cache core, and of the simulator beside it, with one mutation.
 * @returns the folder of the simulator's copy
 */
export async function prepare(workspace: string, mutation: Mutation): Promise<string> {
  const copy = join(workspace, '.local/mutations', mutation.name.replaceAll(/[^a-z0-9]+/gi, '-'));
  await rm(copy, { recursive: true, force: true });
  for (const project of [CORE, SIMULATOR]) await copyProject(workspace, copy, project);
  const source = await readFile(join(workspace, CORE, 'src', mutation.file), 'utf8');
  const mutated = mutate(source, mutation);
  const built = join(copy, CORE, 'dist', mutation.file.replace(/\.ts$/, '.js'));
  await writeFile(built, mutation.file.endsWith('.ts') ? await compiled(workspace, mutated) : mutated);
  return join(copy, SIMULATOR);
}

export async function remove(workspace: string): Promise<void> {
  await rm(join(workspace, '.local/mutations'), { recursive: true, force: true });
}

async function copyProject(workspace: string, copy: string, project: string): Promise<void> {
  for (const part of ['dist', 'package.json']) {
    await cp(join(workspace, project, part), join(copy, project, part), { recursive: true });
  }
  await linkModules(join(workspace, project, 'node_modules'), join(copy, project, 'node_modules'), copy);
}

/** The same packages, but the cache core is the copy. */
async function linkModules(from: string, to: string, copy: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) {
    if (name.startsWith('.')) continue;
    const [target, link] = [join(from, name), join(to, name)];
    if (name.startsWith('@')) await linkModules(target, link, copy);
    else await symlink(link.endsWith('@promptsales/cache-core') ? join(copy, CORE) : target, link);
  }
}

async function compiled(workspace: string, source: string): Promise<string> {
  const options = JSON.parse(await readFile(join(workspace, '.swcrc'), 'utf8')) as Options;
  // Imports are written with `.js` already; the file lies elsewhere than its copy.
  const { code } = await transform(source, {
    ...options,
    swcrc: false,
    filename: 'mutated.ts',
    cwd: dirname(workspace),
  });
  return code;
}
