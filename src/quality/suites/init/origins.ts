import ts from '@typescript/typescript6';
import { parseModule, type Import, type Module } from './module.ts';
import type { Reach } from './one-file.ts';

/** An export, where it is declared. `default` and `*` are names as well. */
export interface Origin {
  file: string;
  name: string;
}

/** Follows imports to where names are declared, through files that only hand them on. */
export class Origins {
  readonly #reach: Reach;
  readonly #modules = new Map<string, Promise<Module | undefined>>();
  readonly #found = new Map<string, Origin>();

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  /** Looks up all that a file imports, so that `of` knows it. */
  async learn(module: Module): Promise<void> {
    for (const each of module.imports) {
      const file = this.#reach.resolve(each.specifier, module.file);
      if (file === undefined) continue;
      const names =
        each.bindings.length > 0 ? each.bindings.map(({ imported }) => imported) : ['*'];
      for (const name of names) {
        const origin = await this.#follow(file, name, new Set());
        if (origin !== undefined) this.#found.set(keyOf(each, module.file, name), origin);
      }
    }
  }

  readonly of = (each: Import, from: string, imported: string): Origin | undefined =>
    this.#found.get(keyOf(each, from, imported));

  /** Files of the project that a file, learnt before, has names from, and those names. */
  usedBy(module: Module): Map<string, Set<string>> {
    const files = new Map<string, Set<string>>();
    for (const each of module.imports) {
      const names =
        each.bindings.length > 0 ? each.bindings.map(({ imported }) => imported) : ['*'];
      for (const name of names) {
        const origin = this.of(each, module.file, name);
        if (origin === undefined) continue;
        files.set(origin.file, (files.get(origin.file) ?? new Set()).add(origin.name));
      }
    }
    return files;
  }

  open(file: string): Promise<Module | undefined> {
    const known = this.#modules.get(file) ?? this.#parse(file);
    this.#modules.set(file, known);
    return known;
  }

  async #parse(file: string): Promise<Module | undefined> {
    const text = await this.#reach.read(file);
    const module = text === undefined ? 'cannot be read' : parseModule(file, text);
    return typeof module === 'string' ? undefined : module;
  }

  async #follow(file: string, name: string, seen: Set<string>): Promise<Origin | undefined> {
    if (seen.has(`${file} ${name}`)) return undefined;
    seen.add(`${file} ${name}`);
    const module = await this.open(file);
    if (module === undefined) return { file, name };
    if (module.format === 'commonjs') return this.#followCommonJs(module, name, seen);
    if (name === '*') return { file, name };
    for (const statement of module.ast.statements) {
      if (!ts.isExportDeclaration(statement)) continue;
      const { exportClause, moduleSpecifier } = statement;
      const target =
        moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier)
          ? this.#reach.resolve(moduleSpecifier.text, file)
          : undefined;
      if (exportClause === undefined) {
        const origin = target === undefined ? undefined : await this.#follow(target, name, seen);
        if (origin !== undefined && name !== 'default') return origin;
        continue;
      }
      if (!ts.isNamedExports(exportClause)) continue;
      const element = exportClause.elements.find((each) => each.name.text === name);
      if (element === undefined) continue;
      const inner = (element.propertyName ?? element.name).text;
      if (target !== undefined) return this.#follow(target, inner, seen);
      const imported = await this.#imported(module, inner, seen);
      if (imported !== undefined) return imported;
    }
    const { names, default: whole } = module.exports;
    return names.includes(name) || (name === 'default' && whole !== undefined)
      ? { file, name }
      : undefined;
  }

  /** `module.exports = require('./other')`, `exports.name = require('./other')`; otherwise the module itself. */
  async #followCommonJs(
    module: Module,
    name: string,
    seen: Set<string>,
  ): Promise<Origin | undefined> {
    for (const { kind, node, specifier } of module.imports) {
      if (kind !== 'require') continue;
      const as = passedOnAs(node);
      const target = as === undefined ? undefined : this.#reach.resolve(specifier, module.file);
      if (target === undefined) continue;
      if (as === '*') return this.#follow(target, name, seen);
      if (as === name) return this.#follow(target, '*', seen);
    }
    return { file: module.file, name };
  }

  async #imported(module: Module, local: string, seen: Set<string>): Promise<Origin | undefined> {
    for (const each of module.imports) {
      const binding = each.bindings.find((other) => other.local === local);
      const target = binding && this.#reach.resolve(each.specifier, module.file);
      if (binding !== undefined && target !== undefined)
        return this.#follow(target, binding.imported, seen);
    }
    return undefined;
  }
}

function keyOf(each: Import, from: string, imported: string): string {
  return JSON.stringify([from, each.specifier, imported]);
}

/** The name that a module hands something on by; `*` where it is all that it exports. */
function passedOnAs({ parent }: ts.Node): string | undefined {
  if (ts.isPropertyAssignment(parent)) {
    const whole = parent.parent.parent;
    return ts.isBinaryExpression(whole) && whole.left.getText() === 'module.exports'
      ? parent.name.getText()
      : undefined;
  }
  if (!ts.isBinaryExpression(parent)) return undefined;
  const left = parent.left.getText();
  return left === 'module.exports' ? '*' : /^(?:module\.)?exports\.(\w+)$/.exec(left)?.[1];
}
