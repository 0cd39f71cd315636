/** Variables that the dynamic linker, the GPU drivers and the operating system look at. */
const NAMES = new Set([
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'TMP',
  'TEMP',
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'USERPROFILE',
  'LOCALAPPDATA',
  'SYSTEMROOT',
  'SYSTEMDRIVE',
  'WINDIR',
  'PROGRAMFILES',
  'XDG_RUNTIME_DIR',
]);
const PREFIXES = ['CUDA_', 'VK_', 'GGML_', 'HIP_', 'ROCR_', 'OMP_'];
const SECRET = /KEY|TOKEN|SECRET|PASSW|CREDENTIAL/;

/** The part of an environment that the engine process is started with: never a key. */
export function engineEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    // Names are compared in capitals because Windows spells `Path` and `SystemRoot`.
    if (value !== undefined && isNeeded(name.toUpperCase())) kept[name] = value;
  }
  return kept;
}

function isNeeded(name: string): boolean {
  if (SECRET.test(name)) return false;
  return NAMES.has(name) || PREFIXES.some((prefix) => name.startsWith(prefix));
}
