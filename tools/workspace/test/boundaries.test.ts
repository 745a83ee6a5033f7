import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

interface Violation {
  readonly rule: { readonly name: string };
  readonly from: string;
  readonly to: string;
}

let workspace: string;

/** Writes a small workspace: files by path, and a package for each folder under apps, libs and tools. */
async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(workspace, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  for (const folder of new Set(Object.keys(files).map((path) => path.split('/').slice(0, 2).join('/')))) {
    const name = folder.split('/')[1] ?? '';
    const dependencies = Object.fromEntries(PACKAGES.map((other) => [`@promptsales/${other}`, 'workspace:*']));
    const manifest = {
      name: `@promptsales/${name}`,
      type: 'module',
      exports: { '.': { types: './src/index.ts' } },
      dependencies,
    };
    await writeFile(join(workspace, folder, 'package.json'), JSON.stringify(manifest));
    await mkdir(join(workspace, 'node_modules/@promptsales'), { recursive: true });
    await symlink(join(workspace, folder), join(workspace, 'node_modules/@promptsales', name));
  }
}

const PACKAGES = [
  'api',
  'worker',
  'assembly',
  'cache-core',
  'database',
  'environment',
  'http-edge',
  'llm-cache',
  'identity',
  'test-kit',
  'demo',
];

/** A workspace in which everything is as it should be. */
const SOUND: Readonly<Record<string, string>> = {
  'apps/api/src/index.ts': "import '@promptsales/llm-cache';\nimport '@promptsales/environment';\n",
  'apps/worker/src/index.ts': "import '@promptsales/assembly';\nimport '@promptsales/identity';\n",
  'libs/assembly/src/index.ts':
    "import '@promptsales/environment';\nimport '@promptsales/identity';\nimport '@promptsales/llm-cache';\n",
  'libs/cache-core/src/index.ts': "export * from './lookup.js';\n",
  'libs/cache-core/src/lookup.ts': 'export const lookup = 1;\n',
  'libs/database/src/index.ts': 'export const database = 1;\n',
  'libs/environment/src/index.ts': 'export const environment = 1;\n',
  'libs/http-edge/src/index.ts': 'export const edge = 1;\n',
  'libs/llm-cache/src/index.ts':
    "import '@promptsales/cache-core';\nimport '@promptsales/http-edge';\nimport '@promptsales/database';\nexport const llm = 1;\n",
  'libs/llm-cache/test/llm.redis.test.ts': "import '@promptsales/test-kit';\nimport '@promptsales/llm-cache';\n",
  'libs/identity/src/index.ts': "import '@promptsales/database';\nexport const identity = 1;\n",
  'tools/test-kit/src/index.ts': 'export const kit = 1;\n',
  'tools/demo/src/index.ts': "import '@promptsales/environment';\n",
};

function cruise(): Promise<Violation[]> {
  const script = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [
    script,
    '--config',
    join(root, '.dependency-cruiser.cjs'),
    '--output-type',
    'json',
    'apps',
    'libs',
    'tools',
  ];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { cwd: workspace, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (stdout === '') {
        reject(error ?? new Error(stderr));
        return;
      }
      resolve((JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations);
    });
  });
}

/** Each rule with an import that it must refuse. All stand in one workspace, which is read once. */
const UNSOUND: readonly (readonly [rule: string, file: string, text: string])[] = [
  ['no-feature-imports-a-feature', 'libs/identity/src/a.ts', "import '@promptsales/llm-cache';"],
  ['no-feature-imports-a-feature', 'libs/identity/src/r.ts', "import '@promptsales/assembly';"],
  ['foundations-import-nothing-of-ours', 'libs/cache-core/src/b.ts', "import '@promptsales/database';"],
  ['foundations-import-nothing-of-ours', 'libs/database/src/c.ts', "import '@promptsales/identity';"],
  ['foundations-import-nothing-of-ours', 'libs/http-edge/src/s.ts', "import '@promptsales/database';"],
  ['environment-is-a-leaf', 'libs/environment/src/d.ts', "import '@promptsales/cache-core';"],
  ['only-apps-and-tools-read-the-environment', 'libs/llm-cache/src/e.ts', "import '@promptsales/environment';"],
  [
    'only-apps-and-tools-read-the-environment',
    'libs/cache-core/src/f.ts',
    "import type {} from '@promptsales/environment';",
  ],
  ['no-library-imports-an-app-or-a-tool', 'libs/llm-cache/src/g.ts', "import '@promptsales/test-kit';"],
  ['no-library-imports-an-app-or-a-tool', 'libs/identity/src/h.ts', "import '@promptsales/api';"],
  ['no-app-imports-an-app-or-a-tool', 'apps/worker/src/i.ts', "import '@promptsales/api';"],
  ['no-app-imports-an-app-or-a-tool', 'apps/api/src/j.ts', "import '@promptsales/test-kit';"],
  ['tests-use-only-the-tools-made-for-them', 'libs/identity/test/k.test.ts', "import '@promptsales/demo';"],
  ['packages-meet-at-their-index', 'apps/api/src/l.ts', "import '../../../libs/cache-core/src/lookup.js';"],
  ['no-relative-path-into-another-package', 'libs/llm-cache/src/m.ts', "import '../../cache-core/src/index.js';"],
  ['resolvable', 'libs/identity/src/n.ts', "import './nowhere.js';"],
  ['declared-dependencies-only', 'libs/identity/src/o.ts', "import 'undeclared';"],
  ['no-cycles', 'libs/identity/src/p.ts', "import './q.js';"],
];

/** The other half of the cycle, which is reported once. */
const CYCLE = { 'libs/identity/src/q.ts': "import './p.js';\n" };

beforeEach(async () => {
  workspace = await mkdtemp(join(tmpdir(), 'promptsales-boundaries-'));
});

afterEach(() => rm(workspace, { recursive: true, force: true }));

describe('boundary rules', () => {
  it('accept the workspace as it is meant', async () => {
    await write(SOUND);
    expect(await cruise()).toEqual([]);
  });

  it('refuse each import that goes the wrong way', async () => {
    await write({ ...SOUND, ...CYCLE, ...Object.fromEntries(UNSOUND.map(([, file, text]) => [file, `${text}\n`])) });
    await mkdir(join(workspace, 'node_modules/undeclared'), { recursive: true });
    await writeFile(join(workspace, 'node_modules/undeclared/package.json'), '{"name":"undeclared","main":"index.js"}');
    await writeFile(join(workspace, 'node_modules/undeclared/index.js'), '');
    const found = (await cruise()).map(({ rule, from }) => `${rule.name}: ${from}`);
    expect(found).toEqual(expect.arrayContaining(UNSOUND.map(([rule, file]) => `${rule}: ${file}`)));
  });

  it('are all tried', async () => {
    const { default: config } = (await import(join(root, '.dependency-cruiser.cjs'))) as {
      default: { forbidden: { name: string }[] };
    };
    const tried = new Set(UNSOUND.map(([rule]) => rule));
    expect(config.forbidden.map((rule) => rule.name).filter((name) => !tried.has(name))).toEqual([]);
  });
});
