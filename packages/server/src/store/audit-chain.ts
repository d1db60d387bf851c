import { randomBytes } from 'node:crypto';
import { type ChainHead, type ChainOpening, hashOf, NOTHING, nextBlock } from '../audit/block.ts';
import type { Row, SqlValue } from './statements.ts';

/** How the chains of a run begin. */
export interface ChainNaming {
  /** What this node is called in them. */
  readonly node: string;
  /** Numbers up to this one are not used again, although the database may not know them. */
  readonly floor: number;
}

/** What {@link openingOf} has to know of the chain with the highest number. */
export interface Predecessor {
  readonly number: number;
  readonly position: number;
  readonly hash: string;
}

/**
 * The opening of a new chain. Its number is free as far as `predecessor` tells; that it is, the
 * primary key decides.
 */
export function openingOf(
  { node, floor }: ChainNaming,
  predecessor: Predecessor | undefined,
  nowMs: number,
): ChainOpening {
  const next = Math.max(predecessor?.number ?? 0, floor) + 1;
  const isAdjacent = predecessor?.number === next - 1;
  return {
    kind: 'chain',
    number: next,
    chain: randomBytes(8).toString('hex'),
    node,
    openedAtMs: nowMs,
    previousPosition: isAdjacent ? predecessor.position : 0,
    previousHash: isAdjacent ? predecessor.hash : NOTHING,
  };
}

/** The values of `addAuditChain`. */
export function openingValues(opening: ChainOpening): SqlValue[] {
  const { number, chain, node, openedAtMs, previousPosition, previousHash } = opening;
  const hash = hashOf(opening);
  return [number, chain, node, openedAtMs, previousPosition, bytesOf(previousHash), bytesOf(hash)];
}

/** The predecessor of the next chain, from the rows of `lastAuditChain` and `lastAuditBlock`. */
export function predecessorOf(
  chain: Row | undefined,
  block: Row | undefined,
): Predecessor | undefined {
  if (chain === undefined) return undefined;
  const number = Number(chain.number);
  if (block === undefined) return { number, position: 0, hash: hexOf(chain.hash) };
  return { number, position: Number(block.position), hash: hexOf(block.hash) };
}

/**
 * The block of a commit, as the values of `addAuditBlock`, and the head its chain has once it is
 * durable.
 *
 * @param lines canonical, one a record; at least one.
 */
export function encodeBlock(
  head: ChainHead,
  lines: readonly string[],
  nowMs: number,
): { values: SqlValue[]; head: ChainHead } {
  const next = nextBlock(head, lines, nowMs);
  const { chain, position, recordedAtMs, recordCount } = next.block;
  const hash = bytesOf(next.head.hash);
  const values = [chain, position, recordedAtMs, recordCount, lines.join('\n'), hash];
  return { values, head: next.head };
}

export function hexOf(bytes: Row[string] | undefined): string {
  const { buffer, byteOffset, byteLength } = bytes as Uint8Array<ArrayBuffer>;
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex');
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}
