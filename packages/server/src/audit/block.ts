import { canonicalJson } from './canonical.ts';
import { EMPTY_TREE, grow, leafHash, rootOf, rootOfInputs, sha256, type Tree } from './merkle.ts';

/**
 * The beginning of a chain. Chains are numbered through the whole service; each names the last thing
 * its predecessor had when it began, so that a chain that is gone leaves a gap. Hashes are 64
 * lower-case hexadecimal digits.
 */
export interface ChainOpening {
  readonly kind: 'chain';
  /** 1, 2, 3 and so on, whichever node begins it. */
  readonly number: number;
  readonly chain: string;
  readonly node: string;
  readonly openedAtMs: number;
  /** Number - 1's last block at that moment; 0 is its own opening. It may have grown since. */
  readonly previousPosition: number;
  /** The hash of that block or opening; of {@link NOTHING} for chain 1. */
  readonly previousHash: string;
}

/** The records of one commit of one writer. */
export interface Block {
  readonly kind: 'block';
  readonly chain: string;
  /** 1 for the first block of its chain. */
  readonly position: number;
  /** The hash of the block before, of the opening for the first. */
  readonly previousHash: string;
  readonly recordedAtMs: number;
  readonly recordCount: number;
  /** The root of the Merkle tree over the canonical lines of its records, so that each can be proved. */
  readonly recordsRoot: string;
}

/** What chain 1 begins after. */
export const NOTHING = '0'.repeat(64);

/** SHA-256 over the canonical form (RFC 8785) of an opening or a block. */
export function hashOf(link: ChainOpening | Block): string {
  return sha256(canonicalJson(link)).toString('hex');
}

/** The last thing of a chain, and all that is needed to go on with it. Never changed. */
export interface ChainHead {
  readonly number: number;
  readonly chain: string;
  /** 0: nothing but the opening. */
  readonly position: number;
  readonly hash: string;
  /** Over the hashes of its blocks: what checkpoints sign. */
  readonly tree: Tree;
}

export function headOfOpening(opening: ChainOpening): ChainHead {
  const { number, chain } = opening;
  return { number, chain, position: 0, hash: hashOf(opening), tree: EMPTY_TREE };
}

/** A block behind `head`, and the head it gives. @param lines canonical, one a record. */
export function nextBlock(
  head: ChainHead,
  lines: readonly string[],
  recordedAtMs: number,
): { block: Block; head: ChainHead } {
  const block: Block = {
    kind: 'block',
    chain: head.chain,
    position: head.position + 1,
    previousHash: head.hash,
    recordedAtMs,
    recordCount: lines.length,
    recordsRoot: rootOfRecords(lines),
  };
  return { block, head: headAfter(head, block, hashOf(block)) };
}

/** @param hash that of the block; given, because who reads a block has it at hand. */
export function headAfter(head: ChainHead, { position }: Block, hash: string): ChainHead {
  return { ...head, position, hash, tree: grow(head.tree, leafOfBlock(hash)) };
}

export function rootOfRecords(lines: readonly (string | Uint8Array)[]): string {
  return rootOfInputs(lines).toString('hex');
}

export function leafOfRecord(line: string | Uint8Array): Buffer {
  return leafHash(line);
}

/** What a checkpoint says of a chain. */
export interface ChainTip {
  readonly number: number;
  readonly chain: string;
  /** How many blocks it has: the position of the last. */
  readonly size: number;
  /** The root of the Merkle tree over their hashes, base64 of 32 bytes. */
  readonly root: string;
}

export function tipOf({ number, chain, position, tree }: ChainHead): ChainTip {
  return { number, chain, size: position, root: rootOf(tree).toString('base64') };
}

function leafOfBlock(hash: string): Buffer {
  return leafHash(Buffer.from(hash, 'hex'));
}
