import { Refusal } from './domain/error.ts';

/** What is to be done about a file, by the code of the system call that failed. */
const FILE_ADVICE: Readonly<Record<string, string>> = {
  EEXIST: 'is there already and is not overwritten: name another, or move it away',
  ENOENT: 'is not there, or the folder it should be in is not',
  EISDIR: 'is a folder, and a file is needed',
  ENOTDIR: 'cannot be: a part of this path is a file and no folder',
  EACCES: 'may not be read or written by this user',
  EPERM: 'may not be read or written by this user',
  EROFS: 'is on a file system that takes no writes',
  ENOSPC: 'does not fit: the disk is full',
};

/** An error as a sentence for the person at the keyboard, without a stack. */
export function explainError(error: unknown): string {
  const { code, message, path, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `port ${port} is in use; choose another with PANTOKEN_PORT`;
  const advice = FILE_ADVICE[code ?? ''];
  if (advice !== undefined && path !== undefined) return `${path} ${advice}`;
  const facts = error instanceof Refusal ? Object.entries(error.facts) : [];
  const more = facts.map(([name, value]) => `\n  ${name}: ${value}`).join('');
  return `${message || (code ?? 'unknown error')}${more}`;
}
