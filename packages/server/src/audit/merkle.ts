/**
 * Merkle trees as transparency logs make them (RFC 9162, 2.1; the same as RFC 6962). A leaf and a node
 * are hashed under different prefixes, so that none can be passed off as the other.
 *
 * @module
 */
import { hash } from 'node:crypto';

const LEAF = Buffer.of(0x00);
const NODE = Buffer.of(0x01);
const HASH_BYTES = 32;

/** SHA-256 of nothing: the root of a tree without leaves. */
const EMPTY_ROOT = sha256(Buffer.alloc(0));

/**
 * What has to be kept of a tree to make it grow: the roots of its perfect subtrees, the largest
 * first, at most one for each bit of its size. Never changed; growing gives a new one.
 */
export interface Tree {
  readonly size: number;
  readonly peaks: readonly Buffer[];
}

export const EMPTY_TREE: Tree = { size: 0, peaks: [] };

export function sha256(bytes: Uint8Array | string): Buffer {
  return Buffer.from(digestOf(bytes), 'latin1');
}

/** A string with a symbol for each byte: a third of the cost of a buffer. (`binary` is what types call latin1 here.) */
function digestOf(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'binary');
}

/** The hash of a leaf, of a text in UTF-8: what {@link grow} and the proofs take. */
export function leafHash(leaf: Uint8Array | string): Buffer {
  return Buffer.from(leafDigest(leaf), 'latin1');
}

/** The same as it is kept where it is only hashed again. */
function leafDigest(leaf: Uint8Array | string): string {
  // A text of ours is hashed in UTF-8, in which this prefix is one byte, too.
  const prefixed = typeof leaf === 'string' ? `\0${leaf}` : Buffer.concat([LEAF, leaf]);
  return digestOf(prefixed);
}

/** The tree with one leaf more. */
export function grow(tree: Tree, leaf: Buffer): Tree {
  const peaks = [...tree.peaks, leaf];
  // As in adding one to a binary number: two subtrees of one size become one of twice the size.
  for (let carry = tree.size; carry % 2 === 1; carry = Math.floor(carry / 2)) {
    const [left, right] = peaks.splice(-2);
    if (left !== undefined && right !== undefined) peaks.push(nodeHash(left, right));
  }
  return { size: tree.size + 1, peaks };
}

/** The Merkle tree hash of all leaves, 32 bytes. */
export function rootOf({ peaks }: Tree): Buffer {
  return peaks.length === 0
    ? EMPTY_ROOT
    : peaks.reduceRight((right, left) => nodeHash(left, right));
}

/** The root over leaves that were hashed. */
export function rootOfLeaves(leaves: readonly Buffer[]): Buffer {
  return rootOfDigests(leaves.map((leaf) => leaf.toString('latin1')));
}

/** The root over leaves as they are. */
export function rootOfInputs(leaves: readonly (Uint8Array | string)[]): Buffer {
  return rootOfDigests(leaves.map(leafDigest));
}

/** Level by level: what has nobody beside it goes up as it is, as the standard splits. */
function rootOfDigests(digests: readonly string[]): Buffer {
  let level = digests;
  while (level.length > 1) {
    const above: string[] = [];
    for (let at = 0; at < level.length; at += 2) {
      const left = level[at] as string;
      const right = level[at + 1];
      above.push(right === undefined ? left : nodeDigest(left, right));
    }
    level = above;
  }
  const [root] = level;
  return root === undefined ? EMPTY_ROOT : Buffer.from(root, 'latin1');
}

/**
 * What shows that a leaf is in the tree over `leaves` (RFC 9162, 2.1.3.1): the hashes beside its way
 * to the root, lowest first.
 *
 * @param index 0 .. leaves.length - 1
 */
export function inclusionProof(leaves: readonly Buffer[], index: number): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerBelow(leaves.length);
  const [near, far] =
    index < split
      ? [leaves.slice(0, split), leaves.slice(split)]
      : [leaves.slice(split), leaves.slice(0, split)];
  return [...inclusionProof(near, index % split), rootOfLeaves(far)];
}

/** The root that a leaf at `index` of `size` leaves and its proof lead to; undefined when it cannot. */
export function rootOfProof(
  leaf: Buffer,
  index: number,
  size: number,
  proof: readonly Buffer[],
): Buffer | undefined {
  if (index >= size) return undefined;
  if (size === 1) return proof.length === 0 && leaf.length === HASH_BYTES ? leaf : undefined;
  const sibling = proof.at(-1);
  if (sibling?.length !== HASH_BYTES) return undefined;
  const split = largestPowerBelow(size);
  const rest = proof.slice(0, -1);
  if (index < split) {
    const left = rootOfProof(leaf, index, split, rest);
    return left && nodeHash(left, sibling);
  }
  const right = rootOfProof(leaf, index - split, size - split, rest);
  return right && nodeHash(sibling, right);
}

/** Made once: a buffer for each node costs as much as a third of its hash. */
const node = Buffer.alloc(1 + 2 * HASH_BYTES, NODE);

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  node.set(left, 1);
  node.set(right, 1 + HASH_BYTES);
  return sha256(node);
}

function nodeDigest(left: string, right: string): string {
  node.write(left, 1, 'latin1');
  node.write(right, 1 + HASH_BYTES, 'latin1');
  return digestOf(node);
}

/** The largest power of two below `size`; size is 2 or more. */
function largestPowerBelow(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1));
}
