import ts from '@typescript/typescript6';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { isExported, parseModule, type Import, type Module } from './module.ts';

/** What a module and the modules that it imports come to in one file. */
export type OneFile =
  | { state: 'made'; text: string; inlined: string[] }
  | { state: 'refused'; reason: string };

/** How files are found and read. */
export interface Reach {
  resolve: (specifier: string, from: string) => string | undefined;
  read: (file: string) => Promise<string | undefined>;
}

class Refused extends Error {}

/**
 * Brings what a module imports from its own project into it, so that it stands alone. Without such imports it stays as
 * it is, to the letter. Of ECMAScript modules only the declarations that are needed are taken over, with their
 * comments; CommonJS is put into functions of its own.
 *
 * @param wanted takes only these exports and what they need; all of the module where it is missing
 */
export async function inOneFile(
  module: Module,
  reach: Reach,
  wanted?: readonly string[],
): Promise<OneFile> {
  try {
    const own = ownImports(module, reach);
    if (wanted === undefined)
      for (const each of module.imports) targetOf(each, module, own, module.file);
    if (own.size === 0 && wanted === undefined) {
      return { state: 'made', text: module.text, inlined: [] };
    }
    if (module.format === 'commonjs') {
      if (wanted !== undefined) throw new Refused('parts of CommonJS cannot be taken out');
      return await wrapCommonJs(module, reach);
    }
    const gathering = new Gathering(reach);
    const text = await gathering.gather(module, wanted);
    return { state: 'made', text, inlined: gathering.files.filter((file) => file !== module.file) };
  } catch (error) {
    if (error instanceof Refused) return { state: 'refused', reason: error.message };
    throw error;
  }
}

/** The project’s files behind a module’s imports; what is neither those nor Node’s own is left out. */
function ownImports(module: Module, { resolve }: Reach): Map<Import, string> {
  const own = new Map<Import, string>();
  for (const each of module.imports) {
    const file = isBuiltin(each.specifier) ? undefined : resolve(each.specifier, module.file);
    if (file !== undefined) own.set(each, file);
  }
  return own;
}

/**
 * The file that an import leads to; `undefined` for Node’s own modules.
 * @param main the module that all this is for
 */
function targetOf(
  each: Import,
  module: Module,
  own: ReadonlyMap<Import, string>,
  main: string | undefined,
): string | undefined {
  const file = own.get(each);
  if (file !== undefined || isBuiltin(each.specifier)) return file;
  const way = module.file === main ? '' : ` by way of ${path.basename(module.file)}`;
  throw new Refused(`imports the package ${each.specifier}${way}`);
}

async function open(file: string, { read }: Reach): Promise<Module> {
  const text = await read(file);
  if (text === undefined) throw new Refused(`${path.basename(file)} cannot be read`);
  const module = parseModule(file, text);
  if (typeof module === 'string') throw new Refused(`${path.basename(file)} ${module}`);
  return module;
}

/** A statement of a module that others can ask for by name. */
interface Declared {
  module: Module;
  statement: ts.Statement;
}

/** Collects declarations over module borders, each after what it needs. */
class Gathering {
  readonly files: string[] = [];
  readonly #reach: Reach;
  /** Statements that stay exported. */
  readonly #offered = new Set<ts.Statement>();
  readonly #modules = new Map<string, { module: Module; own: Map<Import, string> }>();
  readonly #taken = new Set<ts.Statement>();
  /** Text of each statement in its order, and by which names it is known. */
  readonly #pieces: string[] = [];
  readonly #owners = new Map<string, string>();
  readonly #builtins = new Set<string>();
  readonly #open = new Set<string>();

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  async gather(main: Module, wanted: readonly string[] | undefined): Promise<string> {
    const { module, own } = await this.#load(main.file, main);
    const statements = module.ast.statements.filter(
      (statement) =>
        !ts.isImportDeclaration(statement) &&
        (wanted === undefined || this.#offers(statement, wanted)),
    );
    for (const statement of statements) this.#offered.add(statement);
    for (const statement of statements) await this.#take({ module, statement }, own);
    const heads = [...this.#builtins];
    return `${[heads.join('\n'), ...this.#pieces].filter((piece) => piece !== '').join('\n\n')}\n`;
  }

  #offers(statement: ts.Statement, wanted: readonly string[]): boolean {
    return isExported(statement) && namesOf(statement).some((name) => wanted.includes(name));
  }

  async #load(file: string, known?: Module): Promise<{ module: Module; own: Map<Import, string> }> {
    const loaded = this.#modules.get(file);
    if (loaded !== undefined) return loaded;
    const module = known ?? (await open(file, this.#reach));
    if (module.format === 'commonjs') throw new Refused(`imports CommonJS: ${path.basename(file)}`);
    const made = { module, own: ownImports(module, this.#reach) };
    this.#modules.set(file, made);
    this.files.push(file);
    return made;
  }

  async #take(declared: Declared, own: ReadonlyMap<Import, string>): Promise<void> {
    const { module, statement } = declared;
    if (this.#taken.has(statement)) return;
    this.#taken.add(statement);
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      throw new Refused('exports what other modules export');
    }
    for (const name of namesOf(statement)) this.#claim(name, module.file);
    await this.#takeNeeds(module, own, statement);
    const text = statement.getFullText(module.ast).trim();
    this.#pieces.push(this.#offered.has(statement) ? text : text.replace(EXPORT, '$1'));
  }

  /** What a statement speaks of: other declarations of its module, and names that its module imports. */
  async #takeNeeds(
    module: Module,
    own: ReadonlyMap<Import, string>,
    statement: ts.Node,
  ): Promise<void> {
    const spoken = wordsIn(statement);
    for (const other of module.ast.statements) {
      if (other !== statement && namesOf(other).some((name) => spoken.has(name))) {
        await this.#take({ module, statement: other }, own);
      }
    }
    for (const each of module.imports) {
      const names = each.bindings.filter(({ local }) => spoken.has(local));
      if (each.bindings.length === 0 && each.kind === 'import') {
        throw new Refused(`imports ${each.specifier} for what it does`);
      }
      if (names.length === 0) continue;
      if (each.kind === 'require') throw new Refused(`requires ${each.specifier} in a module`);
      const file = targetOf(each, module, own, this.files[0]);
      if (file === undefined) this.#builtins.add(each.node.getText(module.ast));
      else for (const { local, imported } of names) await this.#bring(file, imported, local);
    }
  }

  /** Takes an export of another module over, by the name that it has here. */
  async #bring(file: string, name: string, local: string): Promise<void> {
    if (this.#open.has(`${file} ${name}`)) throw new Refused('imports in a circle');
    this.#open.add(`${file} ${name}`);
    const { module, own } = await this.#load(file);
    if (module.ast.statements.some(doesSomething)) {
      throw new Refused(`${path.basename(file)} does something while it loads`);
    }
    const statement = module.ast.statements.find(
      (each) => isExported(each) && exportNamesOf(each).includes(name),
    );
    if (statement === undefined) {
      await this.#bringListed(module, own, name, local);
    } else {
      const declared = name === 'default' ? namesOf(statement)[0] : name;
      if (declared === undefined)
        throw new Refused(`${path.basename(file)} has a default export without a name`);
      await this.#take({ module, statement }, own);
      this.#rename(declared, local);
    }
    this.#open.delete(`${file} ${name}`);
  }

  /** `export { a as b }`, `export { a } from './c'`, `export * from './c'`, `export default a`. */
  async #bringListed(
    module: Module,
    own: ReadonlyMap<Import, string>,
    name: string,
    local: string,
  ): Promise<void> {
    for (const statement of module.ast.statements) {
      if (
        ts.isExportAssignment(statement) &&
        name === 'default' &&
        ts.isIdentifier(statement.expression)
      ) {
        return this.#bringOwn(module, own, statement.expression.text, local);
      }
      if (!ts.isExportDeclaration(statement)) continue;
      const target = [...own].find(([{ node }]) => node === statement)?.[1];
      const { exportClause } = statement;
      if (exportClause === undefined && target !== undefined) {
        const there = await this.#load(target);
        if (there.module.exports.names.includes(name)) return this.#bring(target, name, local);
      }
      if (exportClause === undefined || !ts.isNamedExports(exportClause)) continue;
      const element = exportClause.elements.find((each) => each.name.text === name);
      if (element === undefined) continue;
      const inner = (element.propertyName ?? element.name).text;
      return target === undefined
        ? this.#bringOwn(module, own, inner, local)
        : this.#bring(target, inner, local);
    }
    throw new Refused(
      `${path.basename(module.file)} does not export ${name} in a way that is understood`,
    );
  }

  async #bringOwn(
    module: Module,
    own: ReadonlyMap<Import, string>,
    name: string,
    local: string,
  ): Promise<void> {
    const statement = module.ast.statements.find((each) => namesOf(each).includes(name));
    const imported = module.imports.find(({ bindings }) =>
      bindings.some((each) => each.local === name),
    );
    const target = imported === undefined ? undefined : own.get(imported);
    const binding = imported?.bindings.find((each) => each.local === name);
    if (target !== undefined && binding !== undefined)
      return this.#bring(target, binding.imported, local);
    if (statement === undefined)
      throw new Refused(`${path.basename(module.file)} does not declare ${name}`);
    await this.#take({ module, statement }, own);
    this.#rename(name, local);
  }

  #rename(name: string, local: string): void {
    if (name === local || this.#owners.get(local) === `= ${name}`) return;
    this.#claim(local, `= ${name}`);
    this.#pieces.push(`const ${local} = ${name};`);
  }

  #claim(name: string, owner: string): void {
    const known = this.#owners.get(name);
    if (known !== undefined && known !== owner)
      throw new Refused(`two of its modules have a name ${name}`);
    this.#owners.set(name, owner);
  }
}

const EXPORT =
  /((?:^|\n)(?:\/\*[\s\S]*?\*\/\s*|\/\/[^\n]*\n\s*)*)export\s+(?:default\s+(?=function|class|abstract))?/;

/** The names that a statement declares at the top of a module, types included. */
function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name.text] : [...wordsIn(name)],
    );
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement);
  return isNamed && statement.name !== undefined ? [statement.name.text] : [];
}

function exportNamesOf(statement: ts.Statement): string[] {
  const isDefault =
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) === true;
  return isDefault ? ['default'] : namesOf(statement);
}

/** Neither a declaration nor an import, export or directive. */
function doesSomething(statement: ts.Statement): boolean {
  if (ts.isExpressionStatement(statement)) return !ts.isStringLiteral(statement.expression);
  return (
    namesOf(statement).length === 0 &&
    !ts.isImportDeclaration(statement) &&
    !ts.isExportDeclaration(statement) &&
    !ts.isExportAssignment(statement) &&
    !ts.isFunctionDeclaration(statement) &&
    !ts.isClassDeclaration(statement) &&
    !ts.isEmptyStatement(statement)
  );
}

function wordsIn(node: ts.Node): Set<string> {
  const words = new Set<string>();
  const visit = (each: ts.Node): void => {
    if (ts.isIdentifier(each)) words.add(each.text);
    ts.forEachChild(each, visit);
  };
  visit(node);
  return words;
}

async function wrapCommonJs(main: Module, reach: Reach): Promise<OneFile> {
  const pieces: string[] = [];
  const names = new Map<string, string>();
  const open_ = new Set<string>();

  const rewrite = async (module: Module): Promise<string> => {
    const own = ownImports(module, reach);
    for (const each of module.imports) targetOf(each, module, own, main.file);
    let text = module.text.replace(/^#![^\n]*\n/, '');
    const shift = module.text.length - text.length;
    for (const [{ node, specifier }, file] of [...own].toReversed()) {
      const name = names.get(file) ?? (await wrap(file, specifier));
      text =
        text.slice(0, node.getStart(module.ast) - shift) + name + text.slice(node.getEnd() - shift);
    }
    return text;
  };
  const wrap = async (file: string, specifier: string): Promise<string> => {
    if (open_.has(file)) throw new Refused('imports in a circle');
    open_.add(file);
    const name = `required_${specifier.replace(/\.[cm]?js(?:on)?$/, '').replaceAll(/\W+/g, '_')}${names.size}`;
    if (file.endsWith('.json')) {
      pieces.push(`const ${name} = ${((await reach.read(file)) ?? 'null').trim()};`);
    } else {
      const module = await open(file, reach);
      if (module.format === 'module')
        throw new Refused(`requires a module: ${path.basename(file)}`);
      const text = await rewrite(module);
      pieces.push(
        `const ${name} = ((module) => {\nconst exports = module.exports;\n${text.trim()}\nreturn module.exports;\n})({ exports: {} });`,
      );
    }
    names.set(file, name);
    open_.delete(file);
    return name;
  };

  open_.add(main.file);
  const text = await rewrite(main);
  const [, strict = '', rest = ''] = /^(\s*['"]use strict['"];?\s*\n)?([\s\S]*)$/.exec(text) ?? [];
  return {
    state: 'made',
    text: `${strict}${pieces.join('\n\n')}\n\n${rest.trimStart()}`,
    inlined: [...names.keys()],
  };
}
