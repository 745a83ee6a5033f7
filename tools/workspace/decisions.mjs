/** `npm run decisions` writes `docs/decisions/README.md`, the list of what was decided, from the headings of the pages. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inWorkspace } from './paths.mjs';

const folder = inWorkspace('docs/decisions');
const listFile = join(folder, 'README.md');

const INTRODUCTION = `# Decisions

<!-- Written by \`npm run decisions\` from the headings of the pages. -->

What was hard to decide, why it was decided so, what it costs, and what was not chosen: half a page each, in the order of their
numbers, some of which were never given. A page stays as it was written; where another decision takes its place, it says so.
`;

/** @throws Error naming the page whose heading is not \`# NUMBER. TITLE\` with the number of its file */
export function decisionList() {
  const pages = readdirSync(folder).filter((name) => /^\d{4}-.*\.md$/.test(name));
  pages.sort();
  return `${INTRODUCTION}\n${pages.map(line).join('\n')}\n`;
}

function line(page) {
  const [heading] = readFileSync(join(folder, page), 'utf8').split('\n', 1);
  const [, number, title] = /^# (\d+)\. (.+)$/.exec(heading) ?? [];
  if (Number(number) !== Number(page.slice(0, 4)))
    throw new Error(`${page} must begin with “# ${Number(page.slice(0, 4))}. …”`);
  return `- [${page.slice(0, 4)}](${page}) ${title}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(listFile, decisionList());
