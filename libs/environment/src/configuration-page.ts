import type { Section, Variable, VariableSet } from './variable.js';
import { VARIABLES } from './variables.js';

type Definition = Variable<unknown> | VariableSet<string, unknown>;

const HEAD = `# Configuration

<!-- Written by \`npm run environment -- docs\` from libs/environment/src/variables.ts; edit that table. -->

Everything is configured by environment variables, read once at start into a frozen, typed object.

- A value that cannot be used stops the process with one line for each such variable: its name, what it got, what it takes.
  Secrets are named by their length and never repeated.
- An empty value counts as not given.
- A name that nobody reads is ignored; one that is nearly a name below is warned about.
- \`<ROLE>\` is one of SESSIONS, LLM, RATELIMIT, ANALYTICS, TEMP, CACHE and STATE; \`<FAMILY_ID>\` is an id of the
  keyspace in capitals with dots as \`_\` (\`TTL_LLM_RESPONSE\`).
`;

/** The reference page, as it must stand in `docs/configuration.md`. */
export function configurationPage(): string {
  const sections = Object.values<Section<Record<string, Definition>>>(VARIABLES).map((section) =>
    [
      `## ${section.title}`,
      '',
      '| variable | default | takes | meaning |',
      '| --- | --- | --- | --- |',
      ...Object.values(section.variables).map(row),
      '',
    ].join('\n'),
  );
  return `${[HEAD, ...sections].join('\n').trimEnd()}\n`;
}

function row(definition: Definition): string {
  const name = definition.shape === 'single' ? definition.name : `${definition.prefix}${definition.placeholder}`;
  const cells = [`\`${name}\``, defaultOf(definition), definition.kind.takes, meaningOf(definition)];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function meaningOf(definition: Definition): string {
  if (definition.shape === 'set' || definition.notYet === null) return definition.doc;
  const instead = definition.notYet === '' ? '' : `: ${definition.notYet}`;
  return `${definition.doc} *Not used by this version yet${instead}.*`;
}

function defaultOf(definition: Definition): string {
  if (definition.shape === 'set') return '–';
  if (definition.defaultNote !== null)
    return definition.required ? `${definition.defaultNote}; required otherwise` : definition.defaultNote;
  if (definition.required) return 'required';
  if (definition.defaultText === null) return '–';
  return definition.defaultText === '' ? 'empty' : `\`${definition.defaultText}\``;
}
