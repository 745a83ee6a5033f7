/**
 * What may import what. The house has one direction: apps → assembly → features → cache-core, database,
 * http-edge and semantics → nothing of ours.
 * tools/workspace/test/boundaries.test.ts shows that each rule refuses what it is there to refuse.
 */
const FOUNDATIONS = 'cache-core|database|http-edge|semantics';
/** What the applications are put together from: of their layer, shared because there are two of them. */
const ASSEMBLY = 'assembly';
const SOURCE = '^(apps|libs|tools)/';
const TEST = '(^|/)test/|\\.test\\.ts$';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Two files that need each other are one idea, or lack a third.',
      severity: 'error',
      from: { path: SOURCE },
      to: { circular: true },
    },
    {
      name: 'foundations-import-nothing-of-ours',
      comment: 'cache-core, database, http-edge and semantics know nothing of the product, nor of each other.',
      severity: 'error',
      from: { path: `^libs/(${FOUNDATIONS})/`, pathNot: TEST },
      to: { path: SOURCE, pathNot: '^libs/$1/' },
    },
    {
      name: 'environment-is-a-leaf',
      comment: 'It reads variables and nothing else.',
      severity: 'error',
      from: { path: '^libs/environment/', pathNot: TEST },
      to: { path: SOURCE, pathNot: '^libs/environment/' },
    },
    {
      name: 'only-apps-and-tools-read-the-environment',
      comment: 'A library gets its options from the application; it never asks the process.',
      severity: 'error',
      from: { path: `^libs/(?!environment/|${ASSEMBLY}/)` },
      to: { path: '^libs/environment/' },
    },
    {
      name: 'no-feature-imports-a-feature',
      comment: 'Declare a port, or publish a domain event, and let the application wire it.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/', pathNot: `^libs/(${FOUNDATIONS}|environment|${ASSEMBLY})/` },
      to: { path: '^libs/[^/]+/', pathNot: `^libs/($1|${FOUNDATIONS}|environment)/` },
    },
    {
      name: 'no-library-imports-an-app-or-a-tool',
      comment: 'Dependencies point one way. Tests may use the test kit and the simulated provider.',
      severity: 'error',
      from: { path: '^libs/', pathNot: TEST },
      to: { path: '^(apps|tools)/' },
    },
    {
      name: 'tests-use-only-the-tools-made-for-them',
      comment: 'Of the tools, a test of a library or an application may use the test kit and the simulated provider.',
      severity: 'error',
      from: { path: `^(libs|apps)/` },
      to: { path: '^tools/', pathNot: '^tools/(test-kit|simulated-provider|local-services)/' },
    },
    {
      name: 'no-app-imports-an-app-or-a-tool',
      comment: 'The API and the worker are deployed apart, and neither with the tools.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/', pathNot: TEST },
      to: { path: '^(apps|tools)/', pathNot: '^apps/$1/' },
    },
    {
      name: 'packages-meet-at-their-index',
      comment: 'Import another package by its name: its index.ts is its whole public face.',
      severity: 'error',
      from: { path: '^(apps|libs|tools)/([^/]+)/' },
      to: {
        path: '^(apps|libs)/[^/]+/',
        pathNot: ['^$1/$2/', '^(apps|libs)/[^/]+/src/index\\.ts$', '^(apps|libs)/[^/]+/dist/'],
      },
    },
    {
      name: 'no-relative-path-into-another-package',
      comment: 'Import another package by its name, also in tests.',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: {
        path: SOURCE,
        pathNot: '^$1/$2/',
        dependencyTypes: ['local'],
        dependencyTypesNot: ['aliased', 'npm', 'localmodule'],
      },
    },
    {
      name: 'declared-dependencies-only',
      comment: "A package that is imported stands in the importing package's own package.json.",
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: TEST },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'], pathNot: '^(apps|libs|tools)/' },
    },
    {
      name: 'resolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: { path: SOURCE },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    combinedDependencies: false,
    tsPreCompilationDeps: true,
    preserveSymlinks: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      // `types` leads to the source of a workspace package; `default` would lead into its dist.
      conditionNames: ['types', 'import', 'node', 'default'],
    },
  },
};
