import { type ChainOpening, rootOfRecords } from '../audit/block.ts';
import type { AuditArchive } from '../usecase/audit-ports.ts';
import { hexOf } from './audit-chain.ts';
import type { Reader, Row } from './statements.ts';

/** The audit log in tables audit_chain, audit_block and audit_acceptance. */
export function makeAuditArchive(reader: Reader): AuditArchive {
  return {
    async listOpenings() {
      const openings: { opening: ChainOpening; hash: string }[] = [];
      for (;;) {
        const after = openings.at(-1)?.opening.number ?? 0;
        const rows = await reader.read('listAuditChains', [after]);
        if (rows.length === 0) return openings;
        openings.push(
          ...rows.map((row) => ({ opening: openingOfRow(row), hash: hexOf(row.hash) })),
        );
      }
    },

    async *blocksOf({ chain }, openingHash, after) {
      let position = after;
      let previousHash = openingHash;
      if (after > 0) {
        const [before] = await reader.read('findAuditBlock', [chain, after]);
        previousHash = before === undefined ? openingHash : hexOf(before.hash);
      }
      for (;;) {
        const rows = await reader.read('listAuditBlocks', [chain, position]);
        if (rows.length === 0) return;
        for (const row of rows) {
          const lines = String(row.records).split('\n');
          const hash = hexOf(row.hash);
          position = Number(row.position);
          const block = {
            kind: 'block' as const,
            chain,
            position,
            previousHash,
            recordedAtMs: Number(row.recordedAtMs),
            recordCount: Number(row.recordCount),
            recordsRoot: rootOfRecords(lines),
          };
          yield { block, hash, lines };
          previousHash = hash;
        }
      }
    },

    async hasBlock(chain, position) {
      return (await reader.read('findAuditBlock', [chain, position])).length > 0;
    },

    async lastPosition(chain) {
      const [row] = await reader.read('lastAuditBlock', [chain]);
      return Number(row?.position ?? 0);
    },

    async listAcceptances() {
      const rows = await reader.read('listAcceptances', []);
      return rows.map((row) => ({
        chain: String(row.chain),
        keptPosition: Number(row.keptPosition),
        lostThrough: Number(row.lostThrough),
      }));
    },
  };
}

function openingOfRow(row: Row): ChainOpening {
  return {
    kind: 'chain',
    number: Number(row.number),
    chain: String(row.chain),
    node: String(row.node),
    openedAtMs: Number(row.openedAtMs),
    previousPosition: Number(row.previousPosition),
    previousHash: hexOf(row.previousHash),
  };
}
