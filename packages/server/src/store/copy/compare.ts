import { createHmac } from 'node:crypto';
import type { Run } from './advance.ts';
import { type Chunk, digestChunk, partColumns, saveChunks } from './chunks.ts';
import { writeKey } from './values.ts';

/** What an organization has on both sides; `organization` undefined: what belongs to none. */
export interface Comparison {
  readonly organization: number | undefined;
  readonly rowCount: number;
  /** Keyed digests over all rows, in the order of their keys; equal on both sides. */
  readonly digest: string;
}

/** Chunks whose rows have changed since both sides were last compared, or never were. */
export function uncompared({ chunks }: Run): readonly Chunk[] {
  return chunks.list().filter((chunk) => !isEqual(chunk));
}

function isEqual({ sourceDigest, targetDigest }: Chunk): boolean {
  return sourceDigest !== undefined && sourceDigest === targetDigest;
}

/** Reads chunks on both sides and keeps what was seen. While the source changes they may differ. */
export async function compareChunks(run: Run, list: readonly Chunk[]): Promise<void> {
  const { source, target, digestKey } = run;
  for (const chunk of list) {
    const atSource = await digestChunk(source, chunk, digestKey);
    const atTarget = await digestChunk(target, chunk, digestKey);
    chunk.sourceDigest = atSource.digest;
    chunk.targetDigest = atTarget.digest;
    chunk.rowCount = atTarget.count;
  }
  await target.transaction(() => saveChunks(target, list));
}

/**
 * @returns a digest for each organization, of the digests of its chunks.
 * @throws {Error} when anything differs: it says which tables of which organizations.
 */
export function demandEqual({ chunks, digestKey }: Run): readonly Comparison[] {
  const differing = chunks.list().filter((chunk) => !isEqual(chunk));
  if (differing.length > 0) {
    const places = differing.map(
      (chunk) => `${chunk.table.name} ${writeKey(partColumns(chunk.table), chunk.part)}`,
    );
    throw new Error(`source and target differ in ${[...new Set(places)].slice(0, 10).join(', ')}`);
  }
  const groups = Map.groupBy(chunks.list(), organizationOf);
  return [...groups]
    .sort(([a = -1], [b = -1]) => a - b)
    .map(([organization, own]) => {
      const hmac = createHmac('sha256', digestKey);
      for (const { table, part, hi, targetDigest } of own) {
        const place = [writeKey(partColumns(table), part), writeKey(table.range, hi)];
        hmac.update(`${table.name} ${place.join(' ')} ${targetDigest}\n`);
      }
      const rowCount = own.reduce((sum, chunk) => sum + chunk.rowCount, 0);
      return { organization, rowCount, digest: hmac.digest('hex') };
    });
}

/** Keys of the service itself have organization -1, which is none. */
function organizationOf({ table, part }: Chunk): number | undefined {
  const [value] = part;
  const isOrganization = table.partition?.name === 'organization' && Number(value) >= 0;
  return isOrganization ? Number(value) : undefined;
}

/** @throws {Error} when a table of the target has rows that were not copied there. */
export async function demandNothingElse({ target, tables, chunks }: Run): Promise<void> {
  for (const table of tables) {
    const own = chunks.list().filter((chunk) => chunk.table === table);
    const expected = own.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const [row] = await target.all(`select count(*) from ${table.name}`);
    if (Number(row?.[0]) !== expected) {
      throw new Error(`${table.name} has ${row?.[0]} rows in the target, ${expected} were copied`);
    }
  }
}
