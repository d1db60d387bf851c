import type { SchemaConnection } from './migrate.ts';
import { schemaStatus } from './migrate.ts';

/** What must be nothing in every database, and what it would mean. */
const PROBLEMS: readonly (readonly [string, string])[] = [
  [
    'audit chains with a gap',
    `select count(*) as n from (
      select chain from audit_block group by chain
      having min(position) <> 1 or max(position) <> count(*)) as gaps`,
  ],
  [
    'cards without a number',
    `select count(*) as n from card left join card_number
       on card.organization = card_number.organization
      and card.number_id = card_number.number_id
     where card_number.token is null`,
  ],
  [
    'numbers without a card',
    `select count(*) as n from card_number left join card
       on card.organization = card_number.organization
      and card.number_id = card_number.number_id
     where card.expiry is null`,
  ],
];

/**
 * Looks through a whole database for what cannot be. It reads every card and audit block once.
 *
 * @returns what is wrong, a sentence each; nothing when all is well.
 */
export async function checkDatabase(schema: SchemaConnection): Promise<readonly string[]> {
  const { pending } = await schemaStatus(schema);
  if (pending.length > 0) {
    return [`the schema needs ${pending.length} migration(s): pantoken db migrate`];
  }
  const found: string[] = [];
  for (const [name, sql] of PROBLEMS) {
    const [row] = await schema.run(sql);
    if (Number(row?.n) > 0) found.push(`${name}: ${row?.n}`);
  }
  return found;
}
