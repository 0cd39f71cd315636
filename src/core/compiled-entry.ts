/**
 * The URL of a compiled module that is started as a process of its own.
 * Node 20 does not run TypeScript, so code that runs from `src/` (under the test runner)
 * is pointed at the same module in `dist/`.
 * @param from `import.meta.url` of the caller
 * @param relative path of the module from the caller, with `.js` (`./engine-process.js`)
 */
export function compiledEntry(from: string, relative: string): URL {
  const url = new URL(relative, from);
  url.pathname = url.pathname.replace(/\/src\/(?!.*\/src\/)/, '/dist/');
  return url;
}
