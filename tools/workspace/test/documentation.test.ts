import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../../..');
/** As .gitignore has it, which a clone without Git has no one to read. */
const IGNORED = new Set(['node_modules', 'dist']);
const textOf = (page: string): string => readFileSync(join(root, page), 'utf8');

test('the list of decisions is what their headings say; run `npm run decisions` when it is not', async () => {
  const module = '../decisions.mjs';
  const { decisionList } = (await import(module)) as { decisionList: () => string };
  expect(textOf('docs/decisions/README.md')).toBe(decisionList());
});

describe('the pages', () => {
  const pages = [
    ...globSync('*.md', { cwd: root }),
    ...globSync('{apps,docs,libs,tools}/**/*.md', { cwd: root, exclude: (name) => IGNORED.has(basename(name)) }),
  ];

  test.each(pages)('%s links to what is there', (page) => {
    expect(linksOf(textOf(page)).filter((link) => !leadsSomewhere(page, link))).toEqual([]);
  });

  test('can be reached from the README', () => {
    const reached = new Set(['README.md']);
    for (const page of reached) {
      for (const link of linksOf(textOf(page))) {
        const [target = ''] = link.split('#');
        if (target.endsWith('.md')) reached.add(join(dirname(page), target));
      }
    }
    expect(pages.filter((page) => !reached.has(page))).toEqual([]);
  });
});

/** Inside this repository, and outside blocks of code. */
function linksOf(text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(join(root, target))) return false;
  return anchor === undefined || anchorsOf(textOf(target)).includes(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}
