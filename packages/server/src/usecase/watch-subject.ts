import type { PanIndex } from '../domain/card.ts';
import type { RecordId } from '../domain/record-id.ts';

/** What changes of a card are fed by: its lineage, or until it is on record the index of its number. */
export function watchedSubject(lineage: RecordId | undefined, index: PanIndex): Uint8Array {
  return lineage === undefined ? index.current : Buffer.from(lineage, 'hex');
}
