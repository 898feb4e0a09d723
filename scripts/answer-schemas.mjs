/** Says in JSON Schema (2020-12) what JSON makes of values of a TypeScript type. */
import ts from 'typescript';

const { TypeFlags, SymbolFlags, ObjectFlags } = ts;

/** A type that JSON has no form for, or none that can be told; the message says where it is. */
export class NoSchema extends Error {}

/** Schemas of types; those that have a name of ours are kept once and referred to. */
export class AnswerSchemas {
  /** Named types in the order they were met. */
  #named = new Map();

  /** @param isOurs tells whether a source file is of the product, and not of a package or of the language */
  constructor(checker, isOurs) {
    this.checker = checker;
    this.isOurs = isOurs;
  }

  /**
   * The schema of a type, which refers to named ones.
   * @throws NoSchema with a sentence that says where in the type it has none
   */
  of(type, path) {
    const name = this.#nameOf(type);
    return name === undefined ? this.#inline(type, path) : this.#reference(type, name, path);
  }

  /** All named schemas, by their names. To be asked when nothing will be added any more: names depend on all of them. */
  components() {
    const named = [...this.#named.values()].sort(
      (a, b) => compare(a.name, b.name) || compare(a.file, b.file),
    );
    const components = {};
    for (const entry of named) {
      const alike = named.filter(({ name }) => name === entry.name);
      const apart = alike.length > 1 && alike.some(({ file }) => file !== entry.file);
      const name = apart ? `${pascal(entry.file.split('/').at(-2))}${entry.name}` : entry.name;
      if (name in components)
        throw new NoSchema(`two types are called ${name} in one folder: call one of them otherwise`);
      components[name] = entry.schema;
      for (const reference of entry.references) reference.$ref = `#/components/schemas/${name}`;
    }
    return components;
  }

  #reference(type, name, path) {
    const reference = { $ref: name };
    const known = this.#named.get(type);
    if (known !== undefined) {
      known.references.push(reference);
      return reference;
    }
    const symbol = type.aliasSymbol ?? type.symbol;
    const file = symbol.declarations[0].getSourceFile().fileName;
    const entry = { name, file, references: [reference], schema: {} };
    this.#named.set(type, entry);
    // Filled in afterwards, since a type may hold itself.
    Object.assign(
      entry.schema,
      described(this.#inline(type, `${path}: ${name}`), this.#documentation(symbol)),
    );
    return reference;
  }

  /** How a type of ours is called, with what it is a page or a map of; none for what is written out where it is used. */
  #nameOf(type) {
    const symbol =
      type.aliasSymbol ?? (type.isClassOrInterface() || isReference(type) ? type.symbol : undefined);
    const declaration = symbol?.declarations?.[0];
    if (declaration === undefined || !this.isOurs(declaration.getSourceFile())) return undefined;
    if (type.aliasSymbol === undefined && (symbol.flags & (SymbolFlags.Interface | SymbolFlags.Class)) === 0)
      return undefined;
    const names = this.#given(type).map((argument) => this.#nameOf(argument) ?? this.#simpleName(argument));
    return names.includes(undefined) ? undefined : [...names, symbol.name].join('');
  }

  /** What a generic type was given, but for what it would have been without. */
  #given(type) {
    if (type.aliasSymbol !== undefined) return type.aliasTypeArguments ?? [];
    if (!isReference(type)) return [];
    const parameters = type.target.typeParameters ?? [];
    const given = this.checker.getTypeArguments(type).slice(0, parameters.length);
    return given.filter((argument, index) => argument !== parameters[index].getDefault());
  }

  #simpleName(type) {
    if (type.flags & TypeFlags.String) return 'String';
    return type.flags & TypeFlags.Number ? 'Number' : undefined;
  }

  #inline(type, path) {
    const { checker } = this;
    if (type.flags & TypeFlags.Any) throw new NoSchema(`${path} is any: give it a type`);
    if (type.flags & (TypeFlags.BigIntLike | TypeFlags.ESSymbolLike))
      throw new NoSchema(`${path} is ${checker.typeToString(type)}, which JSON has no form for`);
    if (type.flags & TypeFlags.TypeParameter)
      throw new NoSchema(`${path} is of a type that is not known before it is used`);
    if (type.flags & TypeFlags.Unknown) return {};
    if (type.flags & TypeFlags.Null) return { type: 'null' };
    if (type.isStringLiteral()) return { type: 'string', const: type.value };
    if (type.isNumberLiteral()) return { type: 'number', const: type.value };
    if (type.flags & TypeFlags.BooleanLiteral)
      return { type: 'boolean', const: checker.typeToString(type) === 'true' };
    if (type.flags & TypeFlags.StringLike) return { type: 'string' };
    if (type.flags & TypeFlags.NumberLike) return { type: 'number' };
    if (type.flags & TypeFlags.NonPrimitive) return { type: 'object' };
    if (type.isUnion()) return this.#union(type, path);
    if (type.isIntersection()) {
      const primitive = type.types.find(({ flags }) => flags & (TypeFlags.StringLike | TypeFlags.NumberLike));
      if (primitive !== undefined) return this.#inline(primitive, path);
    }
    return this.#object(type, path);
  }

  #union(type, path) {
    const kinds = type.types.filter(({ flags }) => (flags & (TypeFlags.Undefined | TypeFlags.Void)) === 0);
    const isText = (part) => part.isStringLiteral();
    const texts = kinds.filter(isText).map(({ value }) => value);
    const truths = kinds.filter(({ flags }) => flags & TypeFlags.BooleanLiteral);
    const others = kinds.filter((part) => !isText(part) && (truths.length < 2 || !truths.includes(part)));
    const schemas = [
      ...(texts.length > 1
        ? [{ type: 'string', enum: texts }]
        : texts.map((text) => ({ type: 'string', const: text }))),
      ...(truths.length === 2 ? [{ type: 'boolean' }] : []),
      ...others
        .sort((a, b) => (a.flags & TypeFlags.Null) - (b.flags & TypeFlags.Null)) // null comes last
        .map((part) => this.of(part, path)),
    ];
    return schemas.length === 1 ? schemas[0] : joined(schemas);
  }

  #object(type, path) {
    const { checker } = this;
    const asJson = type.getProperty('toJSON');
    if (asJson !== undefined) return this.#serialised(type, asJson, path);
    if (checker.isTupleType(type)) {
      const items = checker.getTypeArguments(type).map((item, index) => this.of(item, `${path}[${index}]`));
      return { type: 'array', prefixItems: items, minItems: items.length, items: false };
    }
    if (checker.isArrayType(type)) {
      const [item] = checker.getTypeArguments(type);
      return { type: 'array', items: this.of(item, `${path}[]`) };
    }
    if (type.getCallSignatures().length > 0)
      throw new NoSchema(`${path} is a function, which JSON leaves out`);
    const declaration = type.symbol?.declarations?.[0];
    const isForeign = declaration !== undefined && !this.isOurs(declaration.getSourceFile());
    if (isForeign && type.symbol.flags & (SymbolFlags.Interface | SymbolFlags.Class))
      throw new NoSchema(`${path} is ${checker.typeToString(type)}, which is not ours to describe`);
    return this.#properties(type, path);
  }

  #serialised(type, asJson, path) {
    if (type.symbol?.name === 'Date') return { type: 'string', format: 'date-time' };
    const [signature] = this.checker.getTypeOfSymbol(asJson).getCallSignatures();
    return this.of(signature.getReturnType(), path);
  }

  #properties(type, path) {
    const { checker } = this;
    const properties = {};
    const required = [];
    for (const property of checker.getPropertiesOfType(type)) {
      if (property.flags & (SymbolFlags.Method | SymbolFlags.Accessor)) continue; // of the prototype: JSON does not see it
      const value = checker.getTypeOfSymbol(property);
      if (value.flags & TypeFlags.Undefined) continue;
      const text = this.#documentation(property);
      properties[property.name] = described(
        this.of(withoutUndefined(checker, value), `${path}.${property.name}`),
        text,
      );
      if (!mayBeMissing(property, value)) required.push(property.name);
    }
    const index = checker.getIndexTypeOfType(type, ts.IndexKind.String);
    return {
      type: 'object',
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: index === undefined ? false : this.of(index, `${path}[…]`),
    };
  }

  #documentation(symbol) {
    return plainText(ts.displayPartsToString(symbol.getDocumentationComment(this.checker)));
  }
}

/** A docstring without its marks: `{@link Name}` is the name. */
export const plainText = (text) =>
  text
    .replace(/\{@link\s+([^}|\s]+)[^}]*\}/g, '$1')
    .replace(/\s*\n\s*/g, ' ')
    .trim();

const isReference = (type) => (type.objectFlags & ObjectFlags.Reference) !== 0;

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

const pascal = (text) => text.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase());

/** The schema itself: references are still to be given their names. Beside one, a description stands for this use of it. */
const described = (schema, description) =>
  description === '' ? schema : Object.assign(schema, { description });

/** A type beside undefined alone, which keeps its name; where null is another one, {@link AnswerSchemas} leaves undefined out. */
function withoutUndefined(checker, type) {
  const has = (flag) => type.isUnion() && type.types.some(({ flags }) => flags & flag);
  return has(TypeFlags.Undefined) && !has(TypeFlags.Null) ? checker.getNonNullableType(type) : type;
}

const mayBeMissing = (property, type) =>
  (property.flags & SymbolFlags.Optional) !== 0 ||
  (type.flags & TypeFlags.Unknown) !== 0 ||
  (type.isUnion() && type.types.some(({ flags }) => flags & TypeFlags.Undefined));

/** What is a simple type or null needs no alternatives. */
function joined(schemas) {
  const isBare = (schema) => Object.keys(schema).length === 1 && typeof schema.type === 'string';
  if (schemas.every(isBare)) return { type: schemas.map(({ type }) => type) };
  return { anyOf: schemas };
}
