/**
 * One Jest configuration for the whole workspace. Everything, dependencies included, is compiled to CommonJS by swc:
 * Jest's native ESM fails on the require(esm) cycles of the libraries underneath.
 */
import { readFileSync } from 'node:fs';

const swc = JSON.parse(readFileSync(new URL('./.swcrc', import.meta.url), 'utf8'));

export default {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/apps', '<rootDir>/docs/examples', '<rootDir>/libs', '<rootDir>/tools'],
  testEnvironment: 'node',
  // Files are looked up by Node itself: whether a machine has Watchman makes no difference.
  watchman: false,
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.local/', '<rootDir>/.nx/'],
  extensionsToTreatAsEsm: [],
  transform: {
    '^.+\\.(m?[jt]s)$': [
      '@swc/jest',
      {
        ...swc,
        swcrc: false,
        module: { type: 'commonjs' },
        jsc: { ...swc.jsc, target: 'es2024' },
        sourceMaps: 'inline',
      },
    ],
  },
  transformIgnorePatterns: [],
  reporters: ['default', '<rootDir>/tools/test-kit/count-reporter.mjs'],
  globalSetup: '<rootDir>/tools/test-kit/global-setup.mjs',
  globalTeardown: '<rootDir>/tools/test-kit/global-teardown.mjs',
  setupFilesAfterEnv: ['<rootDir>/tools/test-kit/stop-servers-after-file.mjs'],
  moduleNameMapper: {
    '^@promptsales/local-services$': '<rootDir>/tools/local-services/index.mjs',
    '^@promptsales/(simulated-provider|simulator|test-kit)$': '<rootDir>/tools/$1/src/index.ts',
    '^@promptsales/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // For what hangs. How long real servers and processes take to start depends on the machine, which is no test's subject.
  testTimeout: 300_000,
  // One more than two processors: a good part of the time tests wait for servers that were killed or frozen.
  maxWorkers: 3,
};
