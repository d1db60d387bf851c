import { createHash, type Hash } from 'node:crypto';
import type { Block, ChainOpening } from './block.ts';
import { parseCanonical } from './canonical.ts';
import { type Checkpoint, openNote, type PublicKey } from './checkpoint.ts';
import { EXPORT_FORMAT, type ExportEnd, type ExportLine, exportLineOf } from './export-form.ts';
import { makeVerifier, type Verification, type Verifier } from './verifier.ts';

/** A line may have so many bytes; a record has some hundred. */
export const LINE_BYTES_MAX = 65_536;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Takes an export line by line, in order. */
export interface ExportVerifier {
  /** @param line without its line break; it is kept until its block is whole. */
  line(line: Uint8Array): void;
  /** @param endsInLineBreak whether the last byte of the file was one. */
  end(endsInLineBreak: boolean): Verification;
  /** How many problems were found so far; it never goes down. */
  problemCount(): number;
  /** Another one that has taken the same lines; it goes on by itself. */
  fork(): ExportVerifier;
}

/** The head of a block, and its records as far as they have come. */
interface OpenBlock {
  readonly block: Block;
  readonly hash: string;
  readonly lines: Uint8Array[];
}

/**
 * Verifies an export, offline: nothing but the file, the public key, and checkpoints kept elsewhere
 * is needed. Those in the file are compared, too, but who could write the file could leave them out.
 */
export function makeExportVerifier(
  publicKeys: readonly PublicKey[],
  checkpoints: readonly Checkpoint[],
  problemsMax?: number,
): ExportVerifier {
  return exportVerifierFrom(publicKeys, {
    sum: createHash('sha256'),
    counts: { chainCount: 0, blockCount: 0, recordCount: 0 },
    target: makeTarget({ known: checkpoints, early: [], isWhole: true }, problemsMax),
    stage: 'start',
    open: undefined,
    end: undefined,
  });
}

/** What of an export has been taken. */
interface Taken {
  readonly sum: Hash;
  readonly counts: { chainCount: number; blockCount: number; recordCount: number };
  readonly target: Target;
  readonly stage: ExportLine['kind'] | 'start';
  readonly open: OpenBlock | undefined;
  readonly end: { readonly line: ExportEnd; readonly sha256: string } | undefined;
}

function exportVerifierFrom(publicKeys: readonly PublicKey[], taken: Taken): ExportVerifier {
  const sum = taken.sum.copy();
  const counts = { ...taken.counts };
  const target = taken.target.fork();
  let { stage, end } = taken;
  let open = taken.open && { ...taken.open, lines: [...taken.open.lines] };

  function closeBlock(): void {
    if (open === undefined) return;
    counts.blockCount++;
    counts.recordCount += open.lines.length;
    target.verifier().block(open.block, open.hash, open.lines);
    open = undefined;
  }

  function take(line: ExportLine): void {
    if (!mayFollow(stage, line.kind)) target.problem(`a line of kind ${line.kind} is out of order`);
    stage = line.kind;
    if (line.kind === 'export') target.begin(line.whole, line.format);
    if (line.kind === 'checkpoint') target.checkpoint(openNote(line.note, publicKeys));
    if (line.kind === 'chain') {
      counts.chainCount++;
      target.verifier().opening(...splitHash<ChainOpening>(line));
    }
    if (line.kind === 'block') {
      const [block, hash] = splitHash<Block>(line);
      open = { block, hash, lines: [] };
    }
    if (line.kind === 'end') end = { line, sha256: sum.copy().digest('hex') };
  }

  return {
    line(bytes) {
      if (open !== undefined && !isNoRecord(bytes)) {
        // One too many is enough to tell that the block is not as it was.
        if (open.lines.length <= open.block.recordCount) open.lines.push(bytes);
      } else {
        const line = parseLine(bytes);
        closeBlock();
        if (end !== undefined) target.problem('something stands behind the end');
        else if (line === undefined) target.problem('a line is not of the form of an export');
        else take(line);
      }
      sum.update(bytes).update('\n');
    },

    end(endsInLineBreak) {
      closeBlock();
      if (!endsInLineBreak) target.problem('the last line is cut');
      if (end === undefined) target.problem('the end of the export is missing');
      else if (!agrees(end, counts)) target.problem('the counts or the checksum do not fit');
      return target.verifier().end();
    },

    problemCount: () => target.problemCount(),
    fork: () => exportVerifierFrom(publicKeys, { sum, counts, target, stage, open, end }),
  };
}

/** The verifier behind an export: made when all is known that it needs to be made. */
interface Target {
  begin(whole: boolean, format: string): void;
  checkpoint(checkpoint: Checkpoint | undefined): void;
  /** From here on no more checkpoints are compared. */
  verifier(): Verifier;
  problem(what: string): void;
  problemCount(): number;
  fork(): Target;
}

/** What is known before there is a verifier. */
interface Early {
  readonly known: readonly Checkpoint[];
  readonly early: readonly string[];
  readonly isWhole: boolean;
  readonly verifier?: Verifier | undefined;
}

function makeTarget(before: Early, problemsMax?: number): Target {
  const known = [...before.known];
  const early = [...before.early];
  let { isWhole } = before;
  let verifier = before.verifier?.fork();

  function problem(what: string): void {
    if (verifier === undefined) early.push(what);
    else verifier.problem(what);
  }

  return {
    problem,
    begin(whole, format) {
      isWhole = whole;
      if (format !== EXPORT_FORMAT) problem('the export has another format');
    },
    checkpoint(checkpoint) {
      if (checkpoint === undefined) problem('the signature of a checkpoint is not good');
      else known.push(checkpoint);
    },
    verifier() {
      verifier ??= makeVerifier(known, isWhole, problemsMax);
      for (const what of early.splice(0)) verifier.problem(what);
      return verifier;
    },
    problemCount: () => early.length + (verifier?.problemCount() ?? 0),
    fork: () => makeTarget({ known, early, isWhole, verifier }, problemsMax),
  };
}

const ORDER = ['start', 'export', 'checkpoint', 'chain', 'block', 'end'];

function mayFollow(before: string, kind: string): boolean {
  if (before === 'start' || kind === 'export') return before === 'start' && kind === 'export';
  return ORDER.indexOf(kind) >= ORDER.indexOf(before);
}

/** Lines of an export begin with other fields than records, which begin with their action. */
function isNoRecord(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 14));
  return /^\{"(?:chain|blockCount)/.test(start.toString('latin1'));
}

function parseLine(bytes: Uint8Array): ExportLine | undefined {
  if (bytes.length > LINE_BYTES_MAX) return undefined;
  try {
    return exportLineOf(parseCanonical(UTF8.decode(bytes)));
  } catch {
    return undefined;
  }
}

function splitHash<T>(line: T & { readonly hash: string }): [T, string] {
  const { hash, ...rest } = line;
  return [rest as T, hash];
}

function agrees(
  { line, sha256 }: { line: ExportEnd; sha256: string },
  counts: Pick<ExportEnd, 'chainCount' | 'blockCount' | 'recordCount'>,
): boolean {
  return (
    line.sha256 === sha256 &&
    line.chainCount === counts.chainCount &&
    line.blockCount === counts.blockCount &&
    line.recordCount === counts.recordCount
  );
}
