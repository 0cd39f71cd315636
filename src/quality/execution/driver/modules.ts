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

/** A namespace object as vitest gives it: live, and open to `vi.spyOn`. */
function namespaceOf(context: RunContext, exports: Namespace, wrap: (value: unknown) => unknown) {
  const namespace = context.realm.newObject();
  const wrapped = new Map<unknown, unknown>();
  const read = (name: string): unknown => {
    const value = exports[name];
    if (!wrapped.has(value)) wrapped.set(value, wrap(value));
    return wrapped.get(value);
  };
  for (const name of Object.keys(exports)) {
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
  return namespace;
}

/** The modules that a test file can import, by the names that its bundle asks for. */
export class Modules {
  #subject: object | undefined;
  readonly #context: RunContext;
  readonly #script: SubjectScript;
  readonly #virtual: ReadonlyMap<string, Namespace>;

  constructor(context: RunContext, script: SubjectScript, virtual: ReadonlyMap<string, Namespace>) {
    this.#context = context;
    this.#script = script;
    this.#virtual = virtual;
  }

  get subject(): object {
    this.#subject ??= this.#load();
    return this.#subject;
  }

  /** Makes the next import evaluate the subject anew. */
  reset(): void {
    this.#subject = undefined;
  }

  /** `require` of the bundle; `import:` before a name asks for its namespace. */
  readonly require = (request: string): unknown => {
    if (request === 'aqe:subject') return this.subject;
    const imported = request.startsWith('import:');
    const name = imported ? request.slice('import:'.length) : request;
    const virtual = this.#virtual.get(name);
    if (virtual) return virtual;
    const builtin = this.#context.builtin(name);
    return imported ? Object.assign({}, builtin, { default: builtin }) : builtin;
  };

  #load(): object {
    const module: { exports: Namespace } = { exports: {} };
    const body = this.#context.evaluate(this.#script.script);
    body(module.exports, this.require, module, ...this.#script.instruments);
    return namespaceOf(this.#context, module.exports, this.#script.wrap);
  }
}
