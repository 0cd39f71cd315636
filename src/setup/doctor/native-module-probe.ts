// A process of its own: loads the native module that its argument names, does one small thing with it
// and prints one line. A crash in native code ends this process and nothing else.
import process from 'node:process';

async function probeSqlite(): Promise<string> {
  const { default: Database } = await import('better-sqlite3');
  const database = new Database(':memory:');
  try {
    return `SQLite ${String(database.prepare('select sqlite_version()').pluck().get())}`;
  } finally {
    database.close();
  }
}

async function probeLlama(): Promise<string> {
  const { getLlama, LlamaLogLevel } = await import('node-llama-cpp');
  const llama = await getLlama({ gpu: 'auto', build: 'never', logLevel: LlamaLogLevel.disabled });
  try {
    return `llama.cpp ${llama.llamaCppRelease.release}, ${llama.gpu === false ? 'no GPU' : llama.gpu}`;
  } finally {
    await llama.dispose();
  }
}

const detail = process.argv[2] === 'better-sqlite3' ? await probeSqlite() : await probeLlama();
process.stdout.write(`${detail}\n`);
