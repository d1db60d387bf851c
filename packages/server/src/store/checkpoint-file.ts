import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { splitNotes } from '../audit/checkpoint.ts';
import type { CheckpointSink } from '../usecase/audit-ports.ts';

/** How much of the end of the file is looked at: some thousand checkpoints. */
const TAIL_BYTES = 1024 * 1024;

/**
 * A file that signed checkpoints are appended to. It should lie where who can write the database
 * cannot change it: another disk, an append-only mount.
 */
export function makeCheckpointFile(path: string): CheckpointSink {
  return {
    async put(note) {
      const file = await open(path, 'a', 0o600);
      try {
        await file.appendFile(`${note}\n`, 'utf8');
        await file.datasync();
      } finally {
        await file.close();
      }
    },
  };
}

/** The notes at the end of a file of checkpoints, oldest first; none when there is no such file. */
export function readCheckpointNotes(path: string, tailBytes = TAIL_BYTES): readonly string[] {
  if (!existsSync(path)) return [];
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const length = Math.min(size, tailBytes);
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(file, bytes, done, length - done, size - length + done);
      if (count === 0) break;
      done += count;
    }
    return splitNotes(bytes.toString('utf8', 0, done));
  } finally {
    closeSync(file);
  }
}
