import { open } from 'yauzl';
import type { Entry, ZipFile } from 'yauzl';
import type { Readable } from 'node:stream';

/** The content of one member of a zip file, piece by piece. Rejects when there is no such member or the file is no zip. */
export async function* readMember(zipPath: string, member: string): AsyncGenerator<Buffer, void> {
  const zip = await openZip(zipPath);
  try {
    const entry = await findEntry(zip, member);
    if (entry === undefined) throw new Error(`it has no ${member}`);
    const stream = await openEntry(zip, entry);
    try {
      for await (const chunk of stream) if (Buffer.isBuffer(chunk)) yield chunk;
    } finally {
      stream.destroy();
    }
  } finally {
    zip.close();
  }
}

function openZip(path: string): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    open(path, { lazyEntries: true, autoClose: false }, (error, zip) => {
      if (error === null) resolve(zip);
      else reject(error);
    });
  });
}

function findEntry(zip: ZipFile, name: string): Promise<Entry | undefined> {
  return new Promise((resolve, reject) => {
    zip.on('error', reject);
    zip.on('end', () => resolve(undefined));
    zip.on('entry', (entry: Entry) => {
      if (entry.fileName === name) resolve(entry);
      else zip.readEntry();
    });
    zip.readEntry();
  });
}

function openEntry(zip: ZipFile, entry: Entry): Promise<Readable> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error === null) resolve(stream);
      else reject(error);
    });
  });
}
