import { READS, type Reader, type ReadName, type Row } from './statements.ts';

/**
 * Statements whose limit is no end of the list: they are asked for the next page, for the last one, or
 * have room for all there can be (999 organizations, 10,000 sequences).
 */
const PAGES: ReadonlySet<ReadName> = new Set<ReadName>([
  ...(['listCharges', 'listAuditChains', 'listAuditBlocks', 'listBait'] as const),
  ...(['lastAuditChain', 'lastAuditBlock', 'listOrganizations'] as const),
  ...(['listCards', 'listTerms'] as const),
]);

/** How many rows each list may have, by name. */
export const LIST_LIMITS: ReadonlyMap<ReadName, number> = new Map(
  (Object.keys(READS) as ReadName[]).flatMap((name) => {
    const [, limit] = /\blimit ([0-9]+)\s*$/.exec(READS[name]) ?? [];
    return limit === undefined || PAGES.has(name) ? [] : [[name, Number(limit)] as const];
  }),
);

/**
 * A reader that does not give a part of a list for all of it: a caller that is not in a list that was
 * cut is a caller that does not exist.
 */
export function demandWholeLists(reader: Reader): Reader {
  return {
    read(name, values) {
      const limit = LIST_LIMITS.get(name);
      const rows = reader.read(name, values);
      return limit === undefined ? rows : rows.then((all) => demandBelow(name, all, limit));
    },
  };
}

function demandBelow(name: ReadName, rows: readonly Row[], limit: number): readonly Row[] {
  if (rows.length < limit) return rows;
  throw new Error(`${name} has ${limit} rows or more: no list may be cut`);
}
