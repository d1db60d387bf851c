import type { AuditLoss } from '../domain/audit-record.ts';
import {
  type Block,
  type ChainHead,
  type ChainOpening,
  hashOf,
  headAfter,
  headOfOpening,
  NOTHING,
  rootOfRecords,
  tipOf,
} from './block.ts';
import { type Checkpoint, chainOfOrigin } from './checkpoint.ts';
import { acceptedLosses, type LossBook, makeLossBook } from './loss.ts';

/** Something that is not as it was written. */
export interface Problem {
  /** Empty where it concerns the whole. */
  readonly chain: string;
  readonly position: number;
  readonly what: string;
}

export interface Verification {
  readonly chainCount: number;
  readonly blockCount: number;
  readonly recordCount: number;
  /** Those that were reached and agreed. */
  readonly checkpointCount: number;
  /** Losses that an operator has accepted by name: nothing to be alarmed about, but lost. */
  readonly acceptedLosses: readonly string[];
  /** The first ones, {@link PROBLEMS_MAX} unless told otherwise. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
}

export const PROBLEMS_MAX = 1_000;

/**
 * Goes through an audit log as it was written: all openings by number, then the blocks, chain by chain
 * in that order and each by position. It finds what was changed, removed, doubled or moved, and goes
 * on behind it.
 */
export interface Verifier {
  opening(opening: ChainOpening, storedHash: string): void;
  block(block: Block, storedHash: string, lines: readonly (string | Uint8Array)[]): void;
  /** Something else that is wrong, found by who reads the log. */
  problem(what: string): void;
  /** How many were found so far; it never goes down. */
  problemCount(): number;
  end(): Verification;
  /** Another one that has seen what this one has; what either is shown next, the other does not see. */
  fork(): Verifier;
}

interface ChainState {
  readonly opening: ChainOpening;
  head: ChainHead;
  /** The tree has every block from the first one on, so checkpoints can be compared. */
  isTreeWhole: boolean;
  /** The hashes that others say its blocks have, by position. */
  readonly links: Map<number, string>;
}

/** The roots that checkpoints say a chain has, by size. */
type Roots = ReadonlyMap<number, string>;

/**
 * @param checkpoints whose signatures were found good.
 * @param isWhole false: a part of the log, which may begin anywhere in a chain and end anywhere.
 */
export function makeVerifier(
  checkpoints: readonly Checkpoint[],
  isWhole: boolean,
  problemsMax = PROBLEMS_MAX,
): Verifier {
  const rules = { checkpoints, isWhole, problemsMax, roots: rootsByChain(checkpoints) };
  return verifierFrom(rules, {
    chains: new Map(),
    losses: makeLossBook(),
    problems: [],
    problemCount: 0,
    lastNumber: 0,
    counts: { blockCount: 0, recordCount: 0, checkpointCount: 0 },
  });
}

interface Rules {
  readonly checkpoints: readonly Checkpoint[];
  readonly isWhole: boolean;
  readonly problemsMax: number;
  readonly roots: ReadonlyMap<string, Roots>;
}

/** What a verifier has seen. */
interface Seen {
  readonly chains: ReadonlyMap<string, ChainState>;
  readonly losses: LossBook;
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  readonly lastNumber: number;
  readonly counts: { blockCount: number; recordCount: number; checkpointCount: number };
}

function verifierFrom(rules: Rules, seen: Seen): Verifier {
  const { checkpoints, isWhole, problemsMax, roots } = rules;
  const chains = new Map(
    [...seen.chains].map(([chain, state]) => [chain, { ...state, links: new Map(state.links) }]),
  );
  const losses = seen.losses.fork();
  const problems = [...seen.problems];
  let { problemCount, lastNumber } = seen;
  const counts = { ...seen.counts };

  const report = (chain: string, position: number, what: string) => {
    problemCount++;
    if (problems.length < problemsMax) problems.push({ chain, position, what });
  };

  return {
    opening(opening, storedHash) {
      const { number, chain } = opening;
      const head = { ...headOfOpening(opening), hash: storedHash };
      if (hashOf(opening) !== storedHash) report(chain, 0, 'the opening of the chain was changed');
      if (chains.has(chain) || number <= lastNumber) report(chain, 0, 'the chain is there twice');
      if (isWhole) losses.missingChains(lastNumber + 1, number - 1);
      lastNumber = Math.max(lastNumber, number);
      const broken = linkToPredecessor(chains, opening);
      if (broken !== undefined) report(chain, 0, broken);
      chains.set(chain, { opening, head, isTreeWhole: true, links: new Map() });
    },

    block(block, storedHash, lines) {
      const { chain, position } = block;
      counts.blockCount++;
      counts.recordCount += lines.length;
      const state = chains.get(chain);
      if (state === undefined) return report(chain, position, 'a block of no chain');
      for (const what of place(state, block, isWhole)) report(chain, position, what);
      for (const what of contents(block, storedHash, lines)) report(chain, position, what);
      state.head = headAfter({ ...state.head, position: position - 1 }, block, storedHash);
      const witness = witnesses(state, roots.get(chain)?.get(position));
      if (witness === 'agrees') counts.checkpointCount++;
      else if (witness !== undefined) report(chain, position, witness);
      for (const line of lines) losses.accept(acceptedLosses(line));
    },

    problem: (what) => report('', 0, what),
    problemCount: () => problemCount,
    fork: () => verifierFrom(rules, { chains, losses, problems, problemCount, lastNumber, counts }),

    end() {
      if (isWhole) {
        for (const loss of lossesOf(chains, roots, checkpoints)) losses.missingBlocks(loss);
        for (const { chain, position, what } of losses.unaccepted()) report(chain, position, what);
      }
      const chainCount = chains.size;
      const acceptedOnes = losses.accepted();
      return { chainCount, ...counts, acceptedLosses: acceptedOnes, problems, problemCount };
    },
  };
}

/** @returns what is wrong; undefined when nothing is, or when only the blocks to come can tell. */
function linkToPredecessor(
  chains: ReadonlyMap<string, ChainState>,
  { number, previousPosition, previousHash }: ChainOpening,
): string | undefined {
  const previous = [...chains.values()].findLast((each) => each.opening.number === number - 1);
  if (previous === undefined) {
    const isOdd = number === 1 && previousHash !== NOTHING;
    return isOdd ? 'the first chain has a predecessor' : undefined;
  }
  if (previousPosition > 0) previous.links.set(previousPosition, previousHash);
  else if (previous.head.hash !== previousHash) return 'its predecessor is another one';
  return undefined;
}

/** What is wrong with where a block stands. */
function* place(state: ChainState, block: Block, isWhole: boolean): Generator<string> {
  const { position, previousHash } = block;
  const last = state.head.position;
  if (position === last + 1) {
    if (previousHash !== state.head.hash) yield 'not the block that came next';
    return;
  }
  state.isTreeWhole = false;
  if (!isWhole && last === 0) return; // The part begins here.
  yield position <= last
    ? 'the block is there twice or out of order'
    : `blocks before it are missing, from ${last + 1} on`;
}

/** What is wrong with a block by itself. */
function* contents(
  block: Block,
  storedHash: string,
  lines: readonly (string | Uint8Array)[],
): Generator<string> {
  if (hashOf(block) !== storedHash) yield 'the head of the block was changed';
  if (block.recordCount !== lines.length || rootOfRecords(lines) !== block.recordsRoot) {
    yield 'its records were changed';
  }
}

/** What the next chain and the checkpoints say of the block that is now the head. */
function witnesses({ head, links, isTreeWhole }: ChainState, root: string | undefined) {
  const link = links.get(head.position);
  if (link !== undefined && link !== head.hash) return 'not the block the next chain began after';
  if (root === undefined || !isTreeWhole) return undefined;
  return root === tipOf(head).root ? 'agrees' : 'a signed checkpoint says otherwise';
}

/** What somebody knows of and the log has not. */
function* lossesOf(
  chains: ReadonlyMap<string, ChainState>,
  roots: ReadonlyMap<string, Roots>,
  checkpoints: readonly Checkpoint[],
): Generator<AuditLoss> {
  for (const { opening, head, links } of chains.values()) {
    const { number, chain } = opening;
    const sizes = roots.get(chain)?.keys() ?? [];
    const lostThrough = Math.max(0, ...links.keys(), ...sizes);
    yield { number, chain, keptPosition: head.position, lostThrough };
  }
  for (const [chain, sizes] of roots) {
    if (chains.has(chain)) continue;
    const lostThrough = Math.max(...sizes.keys());
    yield { number: numberOf(checkpoints, chain), chain, keptPosition: 0, lostThrough };
  }
}

function rootsByChain(checkpoints: readonly Checkpoint[]): ReadonlyMap<string, Roots> {
  const roots = new Map<string, Map<number, string>>();
  for (const { origin, size, root } of checkpoints) {
    const chain = chainOfOrigin(origin)?.chain;
    if (chain === undefined) continue;
    const sizes = roots.get(chain) ?? new Map<number, string>();
    roots.set(chain, sizes.set(size, root));
  }
  return roots;
}

function numberOf(checkpoints: readonly Checkpoint[], chain: string): number {
  const found = checkpoints.find(({ origin }) => chainOfOrigin(origin)?.chain === chain);
  return (found && chainOfOrigin(found.origin)?.number) ?? 0;
}
