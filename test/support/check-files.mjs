/**
 * node test/support/check-files.mjs <file…>
 * Checks types and rules of these files as `npm run lint` does, and of no others: what they import was checked before.
 * Compiler and linter share one program, which is what takes their time.
 */
import { join } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';

const files = process.argv.slice(2).map((file) => join(process.cwd(), file));
const compiled = files.filter((file) => file.endsWith('.ts'));
const program = programOf(compiled);

for (const file of compiled) {
  const source = program.getSourceFile(file);
  report([...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]);
}

const shared = {
  files: ['**/*.ts'],
  languageOptions: { parserOptions: { projectService: false, programs: [program] } },
};
const linter = new ESLint({ overrideConfig: shared });
const results = await linter.lintFiles(files);
if (results.some(({ messages }) => messages.length > 0)) process.exitCode = 1;
process.stdout.write(await (await linter.loadFormatter()).format(results));

function programOf(roots) {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (problem) => report([problem]) };
  const { options } = ts.getParsedCommandLineOfConfigFile('tsconfig.json', { noEmit: true }, host);
  return ts.createProgram(roots, { ...options, incremental: false, tsBuildInfoFile: undefined });
}

function report(problems) {
  if (problems.length === 0) return;
  process.exitCode = 1;
  process.stdout.write(
    ts.formatDiagnostics(problems, {
      getCurrentDirectory: () => process.cwd(),
      getCanonicalFileName: (name) => name,
      getNewLine: () => '\n',
    }),
  );
}
