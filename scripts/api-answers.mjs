/**
 * node scripts/api-answers.mjs
 * Writes dist/api-answers.json: what every route answers and how it refuses, read from the types and the code of the
 * controllers, so that the API's documentation says what the compiler has checked. The build runs it after the compiler.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { AnswerSchemas, NoSchema, plainText } from './answer-schemas.mjs';
import { Refusals } from './refusals.mjs';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const sources = join(project, 'src').replaceAll('\\', '/');
const ROUTES = new Set(['Get', 'Post', 'Put', 'Patch', 'Delete', 'Sse']);
/** Types that the documentation shows beside what routes answer. */
const SHOWN = [['http/problem.ts', 'Problem']];

const program = programOfControllers();
const checker = program.getTypeChecker();
const isOurs = (file) => file.fileName.startsWith(`${sources}/`);
const schemas = new AnswerSchemas(checker, isOurs);
const refusals = new Refusals(project, program, isOurs);

try {
  const routes = Object.fromEntries(controllers().flatMap(routesOf));
  for (const [file, name] of SHOWN) schemas.of(exportedType(file, name), name);
  mkdirSync(join(project, 'dist'), { recursive: true });
  writeFileSync(
    join(project, 'dist/api-answers.json'),
    JSON.stringify({ routes, schemas: schemas.components() }, null, 1),
  );
} catch (error) {
  if (!(error instanceof NoSchema)) throw error;
  process.stderr.write(`The API's answers cannot be described: ${error.message}\n`);
  process.exitCode = 1;
}

function programOfControllers() {
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => process.exit(1) };
  const config = ts.getParsedCommandLineOfConfigFile(join(project, 'tsconfig.build.json'), {}, host);
  const options = { ...config.options, noEmit: true, incremental: false, tsBuildInfoFile: undefined };
  return ts.createProgram(
    config.fileNames.filter((file) => file.startsWith(`${sources}/`)),
    options,
  );
}

function controllers() {
  return program
    .getSourceFiles()
    .filter(isOurs)
    .flatMap((file) => file.statements.filter(ts.isClassDeclaration))
    .filter((statement) => decoratorsOf(statement).includes('Controller'));
}

function routesOf(controller) {
  return controller.members
    .filter(
      (member) => ts.isMethodDeclaration(member) && decoratorsOf(member).some((name) => ROUTES.has(name)),
    )
    .map((method) => {
      const name = `${controller.name.text}.${method.name.text}`;
      return [name, routeOf(name, method)];
    });
}

function routeOf(name, method) {
  const symbol = checker.getSymbolAtLocation(method.name);
  const description = plainText(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
  return {
    ...(description === '' ? {} : { description }),
    ...answerOf(name, method),
    knowsUser: method.parameters.some((parameter) => decoratorsOf(parameter).includes('CurrentUser')),
    refusals: refusals.of(method),
  };
}

function answerOf(name, method) {
  if (decoratorsOf(method).includes('Sse'))
    return { mediaType: 'text/event-stream', schema: { type: 'string' } };
  const type = checker.getAwaitedType(checker.getSignatureFromDeclaration(method).getReturnType());
  if (type.flags & (ts.TypeFlags.Void | ts.TypeFlags.Undefined)) return {};
  const mediaType = type.flags & ts.TypeFlags.StringLike ? 'text/plain' : 'application/json';
  return { mediaType, schema: schemas.of(type, `what ${name} answers`) };
}

/** The names of a declaration's decorators. */
function decoratorsOf(node) {
  return (ts.getDecorators(node) ?? []).map(({ expression }) => {
    const called = ts.isCallExpression(expression) ? expression.expression : expression;
    return called.getText();
  });
}

function exportedType(file, name) {
  const module = checker.getSymbolAtLocation(program.getSourceFile(`${sources}/${file}`));
  return checker.getDeclaredTypeOfSymbol(
    checker.getExportsOfModule(module).find((symbol) => symbol.name === name),
  );
}
