/** Finds by which domain errors a route may refuse: those that are made in code which its method leads to. */
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import ts from 'typescript';

const require = createRequire(import.meta.url);

const ERRORS = 'DomainError';

export class Refusals {
  /** What a declaration says by itself: the errors it makes, and the declarations it names. */
  #direct = new Map();
  /** Classes by what they extend or implement. */
  #heirs = new Map();

  /** @param project the folder of the project, in whose dist/ everything is compiled */
  constructor(project, program, isOurs) {
    this.project = project;
    this.checker = program.getTypeChecker();
    this.isOurs = isOurs;
    for (const file of program.getSourceFiles().filter(isOurs)) this.#keepHeirs(file);
  }

  /** @returns `{ kind, code }` of each error, sorted; an error whose code is only known at run time has none */
  of(method) {
    const seen = new Set([method]);
    const errors = new Map();
    for (const declaration of seen) {
      const { made, named } = this.#directOf(declaration);
      for (const error of made) errors.set(`${error.kind} ${error.code ?? ''}`, error);
      for (const next of named) seen.add(next);
    }
    return [...errors.keys()].sort().map((key) => errors.get(key));
  }

  #directOf(declaration) {
    let direct = this.#direct.get(declaration);
    if (direct === undefined) {
      direct = { made: [], named: new Set() };
      this.#direct.set(declaration, direct);
      this.#look(declaration, direct);
    }
    return direct;
  }

  #look(node, direct) {
    if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return;
    if (ts.isNewExpression(node)) this.#keepError(node, direct);
    if (ts.isIdentifier(node)) for (const next of this.#declarationsOf(node)) direct.named.add(next);
    ts.forEachChild(node, (child) => this.#look(child, direct));
  }

  #keepError(node, direct) {
    const type = this.checker.getTypeAtLocation(node);
    if (!this.#isError(type)) return;
    const literal = (name) => {
      const value = this.checker.getTypeOfPropertyOfType(type, name);
      return value?.isStringLiteral() ? value.value : undefined;
    };
    const kind = literal('kind');
    const code = literal('code') ?? this.#codeOfNew(node, type);
    if (kind !== undefined) direct.made.push(code === undefined ? { kind } : { kind, code });
  }

  /** The code that an error makes of texts it is given, as `NotFound` does: by making one. */
  #codeOfNew({ arguments: given = [] }, { symbol }) {
    const file = symbol.declarations[0].getSourceFile().fileName;
    if (given.length === 0 || !given.every(ts.isStringLiteral)) return undefined;
    const compiled = join(this.project, 'dist', relative(this.project, file).replace(/\.ts$/, '.js'));
    const { [symbol.name]: Class } = require(compiled);
    return new Class(...given.map(({ text }) => text)).code;
  }

  #isError(type) {
    return (this.checker.getBaseTypes(type.isClassOrInterface() ? type : (type.target ?? type)) ?? []).some(
      (base) => base.symbol?.name === ERRORS || this.#isError(base),
    );
  }

  /** Code of ours that a name stands for. */
  #declarationsOf(name) {
    return this.#declaredAt(name)
      .filter((declaration) => this.isOurs(declaration.getSourceFile()))
      .flatMap((declaration) => this.#codeOf(declaration));
  }

  /** What a name stands for, where it was declared and not where it was imported. */
  #declaredAt(node) {
    const symbol = this.checker.getSymbolAtLocation(node);
    const isAlias = symbol !== undefined && symbol.flags & ts.SymbolFlags.Alias;
    return (isAlias ? this.checker.getAliasedSymbol(symbol) : symbol)?.declarations ?? [];
  }

  #codeOf(declaration) {
    if (ts.isParameter(declaration) || ts.isTypeParameterDeclaration(declaration)) return [];
    if (ts.isClassDeclaration(declaration))
      return declaration.members.filter((member) => ts.isConstructorDeclaration(member));
    if (declaration.body !== undefined && ts.isFunctionLike(declaration)) return [declaration];
    if (
      ts.isMethodDeclaration(declaration) ||
      ts.isMethodSignature(declaration) ||
      ts.isPropertySignature(declaration)
    )
      return this.#implementationsOf(declaration);
    return declaration.initializer === undefined ? [] : [declaration.initializer];
  }

  /** A method that a class leaves to its heirs. */
  #implementationsOf(declaration) {
    const name = declaration.name.getText();
    const heirs = [...(this.#heirs.get(declaration.parent) ?? [])];
    return heirs.flatMap((heir) =>
      heir.members.filter((member) => member.name?.getText() === name && member.body),
    );
  }

  #keepHeirs(file) {
    const visit = (node) => {
      if (ts.isClassDeclaration(node)) {
        for (const { expression } of (node.heritageClauses ?? []).flatMap(({ types }) => types)) {
          for (const declaration of this.#declaredAt(expression))
            this.#heirs.set(declaration, [...(this.#heirs.get(declaration) ?? []), node]);
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(file);
  }
}
