import type { PanIndex } from '../domain/card.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { RecordId } from '../domain/record-id.ts';
import type { Change } from './ports.ts';

/**
 * What makes changes of a card be fed to who watches it: its lineage, or until it is on record the index
 * of its number, while an index key takes over under both keys.
 */
export function watchCard(
  organization: OrganizationNumber,
  panid: string,
  lineage: RecordId | undefined,
  { current, next }: Pick<PanIndex, 'current' | 'next'>,
): Change[] {
  const subjects =
    lineage === undefined ? [current, ...(next ? [next] : [])] : [Buffer.from(lineage, 'hex')];
  return subjects.map((subject) => ({ kind: 'watch_card', organization, subject, panid }));
}
