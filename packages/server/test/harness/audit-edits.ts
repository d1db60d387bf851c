import assert, { deepEqual } from 'node:assert/strict';
import { type ExportVerifier, makeExportVerifier } from '../../src/audit/export-verifier.ts';
import type { Verification } from '../../src/audit/verifier.ts';
import { type ExportParts, verifyBytes } from './audit-export.ts';

/*
 * One edit at a time, each judged as `pantoken audit verify --export` judges it, without reading two
 * megabytes for each: the verifier is brought to the edited line once and forked there. It may stop at
 * the first problem, because the count of problems never goes down, and one is enough for the command
 * to end with 1.
 */

/** How the edits of a run were found. */
export interface EditCounts {
  edits: number;
  /** By hashes, roots, links or the form of a line: also in an export whose end was written anew. */
  byItself: number;
  /** By the counts and the checksum of the end only: when it was exported, which nothing else covers. */
  byEnd: number;
}

const LINE_BREAK = 10;

/** Lines without their line breaks, as the command cuts them. */
function linesOf(bytes: Buffer): readonly Buffer[] {
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_BREAK); end !== -1; end = bytes.indexOf(LINE_BREAK, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  if (start < bytes.length) lines.push(bytes.subarray(start));
  return lines;
}

export function makeEdits({ publicKey, before, blocks, after }: ExportParts) {
  const lines = [...before, ...blocks.flat(), after];
  const counts: EditCounts = { edits: 0, byItself: 0, byEnd: 0 };

  const start = () => makeExportVerifier([publicKey], [], 1_000_000);

  function feed(verifier: ExportVerifier, from: number, until: () => boolean): void {
    for (let at = from; at < lines.length && !until(); at++) {
      for (const line of linesOf(lines[at] ?? Buffer.alloc(0))) verifier.line(line);
    }
  }

  /**
   * Judges the export with the lines behind what `verifier` has taken, up to `through` (not
   * included), replaced.
   *
   * @param verifier is left as it is.
   */
  function judge(verifier: ExportVerifier, through: number, edited: Buffer, what: string): void {
    const fork = verifier.fork();
    const isLast = through === lines.length;
    // A line break that is gone joins the line with the one behind it.
    const endsLine = edited.at(-1) === LINE_BREAK || edited.length === 0;
    const next = endsLine || isLast ? Buffer.alloc(0) : (lines[through] ?? Buffer.alloc(0));
    const bytes = Buffer.concat([edited, next]);
    for (const line of linesOf(bytes)) fork.line(line);
    feed(fork, next.length === 0 ? through : through + 1, () => fork.problemCount() > 0);
    counts.edits++;
    if (fork.problemCount() > 0) {
      counts.byItself++;
      return;
    }
    const { problemCount } = fork.end(!isLast || endsLine);
    assert(problemCount > 0, `${what} was not found`);
    counts.byEnd++;
  }

  return {
    counts,
    lineCount: lines.length,
    byteCount: Buffer.concat(lines).length,

    /** One edit at each byte of some lines, or at every n-th of them. */
    everyByte(fromLine: number, throughLine: number, stride = 1): void {
      const verifier = start();
      for (let at = 0; at < fromLine; at++) feedOne(verifier, lines[at]);
      for (let at = fromLine; at < throughLine; at++) {
        const line = lines[at] ?? Buffer.alloc(0);
        for (let byte = at % stride; byte < line.length; byte += stride) {
          const edited = Buffer.from(line);
          edited[byte] = (edited[byte] ?? 0) ^ (1 + ((byte * 31 + at * 7) % 255));
          judge(verifier, at + 1, edited, `byte ${byte} of line ${at + 1}`);
        }
        feedOne(verifier, line);
      }
    },

    /** Every record removed, doubled, and swapped with the line behind it, once each. */
    everyRecord(fromLine: number, throughLine: number): void {
      const verifier = start();
      for (let at = 0; at < throughLine; at++) {
        const line = lines[at] ?? Buffer.alloc(0);
        const behind = lines[at + 1] ?? Buffer.alloc(0);
        if (at >= fromLine && line.includes('{"action"')) {
          judge(verifier, at + 1, Buffer.alloc(0), `record of line ${at + 1}, removed`);
          judge(verifier, at + 1, Buffer.concat([line, line]), `line ${at + 1}, doubled`);
          judge(verifier, at + 2, Buffer.concat([behind, line]), `line ${at + 1}, swapped`);
        }
        feedOne(verifier, line);
      }
    },

    /**
     * That going on from a fork is the same as reading the whole: equal reports, of the export as it is
     * and with one byte edited.
     */
    demandSame(atLine: number, byte: number): void {
      const verifier = start();
      for (let at = 0; at < atLine; at++) feedOne(verifier, lines[at]);
      const line = Buffer.from(lines[atLine] ?? Buffer.alloc(0));
      line[byte % line.length] = (line[byte % line.length] ?? 0) ^ 1;
      const edited = Buffer.concat(lines.with(atLine, line));
      const fork = verifier.fork();
      const joined = Buffer.concat([line, ...lines.slice(atLine + 1)]);
      for (const each of linesOf(joined)) fork.line(each);
      deepEqual(fork.end(joined.at(-1) === LINE_BREAK), verifyBytes(publicKey, edited));
      // The one that was forked has seen nothing of it.
      for (let at = atLine; at < lines.length; at++) feedOne(verifier, lines[at]);
      const whole: Verification = verifyBytes(publicKey, Buffer.concat(lines));
      deepEqual(verifier.end(true), whole);
      deepEqual(whole.problems, []);
    },

    /** The export with one byte edited, as a file holds it. */
    editedFile(atLine: number, byte: number): Buffer {
      const line = Buffer.from(lines[atLine] ?? Buffer.alloc(0));
      line[byte % line.length] = (line[byte % line.length] ?? 0) ^ (1 + ((byte * 31) % 255));
      return Buffer.concat(lines.with(atLine, line));
    },
  };
}

function feedOne(verifier: ExportVerifier, line: Buffer | undefined): void {
  for (const each of linesOf(line ?? Buffer.alloc(0))) verifier.line(each);
}
