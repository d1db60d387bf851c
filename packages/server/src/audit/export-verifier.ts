import { createHash } from 'node:crypto';
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
  const sum = createHash('sha256');
  const counts = { chainCount: 0, blockCount: 0, recordCount: 0 };
  const target = makeTarget(checkpoints, problemsMax);
  let stage: ExportLine['kind'] | 'start' = 'start';
  let open: OpenBlock | undefined;
  let end: { line: ExportEnd; sha256: string } | undefined;

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
  };
}

/** The verifier behind an export: made when all is known that it needs to be made. */
function makeTarget(checkpoints: readonly Checkpoint[], problemsMax?: number) {
  const known = [...checkpoints];
  const early: string[] = [];
  let isWhole = true;
  let verifier: Verifier | undefined;

  return {
    begin(whole: boolean, format: string): void {
      isWhole = whole;
      if (format !== EXPORT_FORMAT) this.problem('the export has another format');
    },
    checkpoint(checkpoint: Checkpoint | undefined): void {
      if (checkpoint === undefined) this.problem('the signature of a checkpoint is not good');
      else known.push(checkpoint);
    },
    /** From here on no more checkpoints are compared. */
    verifier(): Verifier {
      verifier ??= makeVerifier(known, isWhole, problemsMax);
      for (const what of early.splice(0)) verifier.problem(what);
      return verifier;
    },
    problem(what: string): void {
      if (verifier === undefined) early.push(what);
      else verifier.problem(what);
    },
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
