/**
 * One configuration for the unit specs beside the code and the end-to-end specs in test/.
 * Nest 12 and a few others ship ES modules only, which Jest cannot require on Node 20, or import while they
 * run: they are transformed to CommonJS here.
 * @type {import('jest').Config}
 */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src', '<rootDir>/bench', '<rootDir>/test'],
  testRegex: '\\.(e2e-)?spec\\.ts$',
  transform: { '\\.(m?[jt]s)$': '@swc/jest' },
  transformIgnorePatterns: [
    '/node_modules/(?!(@nestjs|@opentelemetry/otlp-exporter-base|cache-manager|keyv|@keyv|@cacheable|hookified|@noble|uuid|bs58|base-x|csv-parse|quick-lru|nodemailer|file-type|@tokenizer|token-types|strtok3|uint8array-extras|@willsoto|load-esm|content-disposition|cookie)/)',
  ],
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  setupFiles: ['<rootDir>/test/support/quiet.ts'],
  testTimeout: 300_000, // ends what hangs; nothing is timed by it
  // Tests wait for servers a third of their time: three workers keep two cores busy.
  maxWorkers: 3,
};
