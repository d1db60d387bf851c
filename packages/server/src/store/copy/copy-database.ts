import { randomBytes, randomUUID } from 'node:crypto';
import type { StorePlace } from '../place.ts';
import { advance, type Cursor, type Run } from './advance.ts';
import { loadChunks, makeChunks } from './chunks.ts';
import {
  type Comparison,
  compareChunks,
  demandEqual,
  demandNothingElse,
  uncompared,
} from './compare.ts';
import { beginState, endState, markState, readState } from './copy-state.ts';
import { openSide, type Side } from './side.ts';
import { endLog, lowerFence, raiseFence, startLog } from './source-ddl.ts';
import { readTables, type Table } from './tables.ts';

export interface CopyRequest {
  readonly from: StorePlace;
  readonly to: StorePlace;
  /** The last step, too: nobody writes to the source any more, and the target may be served from. */
  readonly finish: boolean;
  /** Tests copy little at a time, and put something in between. */
  readonly chunkRows?: number;
  readonly open?: typeof openSide;
}

export interface CopyReport {
  readonly copiedCount: number;
  readonly totalCount: number;
}

export interface CopyOutcome {
  /** For each organization; undefined: it was not the last step. */
  readonly comparisons: readonly Comparison[] | undefined;
  /** How long nobody could write, in ms. */
  readonly blockedMs: number;
}

/** A last step that has to look at more than so many chunks would not be short. */
const LAST_CHUNKS_MAX = 50;

/** Rounds of catching up before the last step, however much is written meanwhile. */
const ROUNDS_MAX = 20;

/**
 * Copies a database into another, while it is served from. Interrupted, it goes on where it was.
 *
 * A log of changed keys is kept in the source meanwhile, by triggers. The last step raises a fence in
 * the source, so that every write is refused there, copies what the log still has, and compares both
 * sides by keyed digests; then the target is complete, and the source stays as it is.
 *
 * @throws {Error} when the schemas differ, the target holds anything else, or both sides differ in
 *   the end: the source takes writes again then.
 */
export async function copyDatabase(
  { from, to, finish, chunkRows, open = openSide }: CopyRequest,
  report: (progress: CopyReport) => void,
): Promise<CopyOutcome> {
  const source = await open(from);
  try {
    const target = await open(to);
    try {
      const run = await openRun(source, target, readTables(chunkRows));
      await catchUp(run, report);
      // Interrupted in its last step, it is not to stay there.
      const isLast = finish || (await readState(source))?.state === 'moved';
      if (!isLast) return { comparisons: undefined, blockedMs: 0 };
      return await finishRun(run);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** Gives a copy up: the source takes writes again and keeps no log. The target is left as it is. */
export async function abandonCopy(from: StorePlace): Promise<void> {
  const source = await openSide(from);
  try {
    const tables = readTables();
    await lowerFence(source, tables);
    await endLog(source, tables, () => endState(source));
  } finally {
    await source.close();
  }
}

async function openRun(source: Side, target: Side, tables: readonly Table[]): Promise<Run> {
  const atSource = await readState(source);
  const atTarget = await readState(target);
  if (atTarget !== undefined && atTarget.copy === atSource?.copy) {
    const chunks = await loadChunks(target, tables);
    const digestKey = Buffer.from(atTarget.digestKey, 'hex');
    return { source, target, tables, chunks, digestKey, step: atTarget.step };
  }
  if (atSource?.state === 'moved') throw new Error('the source was moved to another database');
  if (atSource?.role === 'target') throw new Error('a copy into the source is not finished');
  await demandEmpty(target, tables);
  const digestKey = randomBytes(32);
  const begun = { copy: randomUUID(), digestKey: digestKey.toString('hex') };
  await source.transaction(async () => {
    await endState(source); // A copy to somewhere else, if there was one, is given up.
    await beginState(source, { ...begun, role: 'source' });
  });
  await startLog(source, tables);
  await target.transaction(async () => {
    await beginState(target, { ...begun, role: 'target' });
    for (const name of SEEDED) await target.run(`delete from ${name}`);
  });
  return { source, target, tables, chunks: makeChunks(), digestKey, step: 0 };
}

/** Tables in which the migrations leave a row. */
const SEEDED: readonly string[] = ['directory_version'];

/** @throws {Error} when the target holds anything, of another service or another copy. */
async function demandEmpty(target: Side, tables: readonly Table[]): Promise<void> {
  if ((await readState(target)) !== undefined) {
    throw new Error('the target belongs to another copy: take an empty database');
  }
  for (const { name } of tables) {
    const rows = SEEDED.includes(name) ? [] : await target.all(`select 1 from ${name} limit 1`);
    if (rows.length > 0) throw new Error(`the target is not empty: ${name} has rows`);
  }
}

/** Copies all tables, then what has changed meanwhile, until both sides were compared once. */
async function catchUp(run: Run, report: (progress: CopyReport) => void): Promise<void> {
  let totalCount = 0;
  for (const { name } of run.tables) {
    const [row] = await run.source.all(`select count(*) from ${name}`);
    totalCount += Number(row?.[0]);
  }
  const tell = () => {
    const copiedCount = run.chunks.list().reduce((sum, { rowCount }) => sum + rowCount, 0);
    report({ copiedCount, totalCount: Math.max(totalCount, copiedCount) });
  };
  tell();
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await walk(run, tell);
    const open = uncompared(run);
    if (open.length === 0) return;
    await compareChunks(run, open);
    if (open.length <= LAST_CHUNKS_MAX && round > 0) return;
  }
}

/** Over all tables once, and then until nothing has changed since, or not for long. */
async function walk(run: Run, tell: () => void): Promise<void> {
  const cursor: Cursor = { table: 0, parts: undefined };
  while (cursor.table < run.tables.length) {
    await advance(run, cursor);
    tell();
  }
}

/** @throws {Error} when both sides differ; the source takes writes again then. */
async function finishRun(run: Run): Promise<CopyOutcome> {
  const { source, target, tables } = run;
  await demandNothingElse(run);
  const start = performance.now();
  const state = await readState(source);
  if (state?.state !== 'moved') await raiseFence(source, tables, () => markState(source, 'moved'));
  const cursor: Cursor = { table: 0, parts: undefined };
  let count = 0;
  do {
    count = await advance(run, cursor);
  } while (count > 0 || cursor.table < tables.length);
  await compareChunks(run, uncompared(run));
  let comparisons: readonly Comparison[];
  try {
    comparisons = demandEqual(run);
  } catch (error) {
    await markState(source, 'copying');
    await lowerFence(source, tables);
    throw error;
  }
  await target.transaction(() => endState(target));
  const blockedMs = performance.now() - start;
  await endLog(source, tables);
  return { comparisons, blockedMs };
}
