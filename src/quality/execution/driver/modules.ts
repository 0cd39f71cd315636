import type { Script } from 'node:vm';
import type { RunContext } from './context.ts';

type Namespace = Record<string, unknown>;

/** How the subject is evaluated in one run. */
export interface SubjectScript {
  script: Script;
  /** What the instrumented code refers to, in the order of its parameters. */
  instruments: readonly unknown[];
  /** What is handed out in place of an export. */
  wrap: (exported: unknown) => unknown;
}

/** What a module exports: as `import` has it, and as `require` has it. */
interface Loaded {
  namespace: object;
  required: unknown;
}

/** A namespace object as vitest gives it: live, and open to `vi.spyOn`. Of CommonJS, `default` is all of it. */
function namespaceOf(context: RunContext, exports: unknown, wrap: (value: unknown) => unknown) {
  const namespace = context.realm.newObject();
  const wrapped = new Map<unknown, unknown>();
  const once = (value: unknown): unknown => {
    if (!wrapped.has(value)) wrapped.set(value, wrap(value));
    return wrapped.get(value);
  };
  const commonJs = !isModule(exports);
  const read = (name: string): unknown =>
    once(commonJs && name === 'default' ? exports : Reflect.get(Object(exports), name));
  const names = new Set(Object.keys(Object(exports)));
  if (commonJs) names.add('default');
  for (const name of names) {
    Object.defineProperty(namespace, name, {
      get: () => read(name),
      enumerable: true,
      configurable: true,
    });
    read(name);
  }
  const tag = { value: 'Module', configurable: true };
  Object.defineProperty(namespace, Symbol.toStringTag, tag);
  Object.defineProperty(namespace, '__esModule', { value: true });
  return { namespace, required: commonJs ? once(exports) : namespace };
}

/** Whether exports are those of an ECMAScript module, by the mark that compilers leave. */
function isModule(exports: unknown): boolean {
  return Reflect.get(Object(exports), '__esModule') === true;
}

/** The modules that a test file can import, by the names that its bundle asks for. */
export class Modules {
  #subject: Loaded | undefined;
  readonly #context: RunContext;
  readonly #script: SubjectScript;
  readonly #virtual: ReadonlyMap<string, Namespace>;

  constructor(context: RunContext, script: SubjectScript, virtual: ReadonlyMap<string, Namespace>) {
    this.#context = context;
    this.#script = script;
    this.#virtual = virtual;
  }

  get subject(): Loaded {
    this.#subject ??= this.#load();
    return this.#subject;
  }

  /** Makes the next import evaluate the subject anew. */
  reset(): void {
    this.#subject = undefined;
  }

  /** `require` of the bundle; `import:` before a name asks for its namespace. */
  readonly require = (request: string): unknown => {
    const imported = request.startsWith('import:');
    const name = imported ? request.slice('import:'.length) : request;
    if (name === 'aqe:subject') return imported ? this.subject.namespace : this.subject.required;
    const virtual = this.#virtual.get(name);
    if (virtual) return virtual;
    const builtin = this.#context.builtin(name);
    return imported ? Object.assign({}, builtin, { default: builtin }) : builtin;
  };

  #load(): Loaded {
    const module: { exports: unknown } = { exports: this.#context.realm.newObject() };
    const body = this.#context.evaluate(this.#script.script);
    Reflect.apply(body, module.exports, [
      module.exports,
      this.require,
      module,
      ...this.#script.instruments,
    ]);
    return namespaceOf(this.#context, module.exports, this.#script.wrap);
  }
}
