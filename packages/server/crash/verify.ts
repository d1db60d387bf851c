import { checkDatabase } from '../src/store/check.ts';
import { type StorePlace, useSchema } from '../src/store/place.ts';
import type { Clients } from './clients.ts';
import type { Model } from './model.ts';
import type { Seeded } from './seeded.ts';

/** How many of the older cards are asked for again after each fault; the end asks for all. */
const OLDER_SAMPLE = 20;

/** Compares what the service answers now with what it answered before the fault. */
export async function verifyAnswers(
  clients: Clients,
  model: Model,
  seeded: Seeded,
  fromIndex: number,
): Promise<void> {
  const older = Array.from({ length: fromIndex === 0 ? 0 : OLDER_SAMPLE }, () =>
    seeded.pick(model.cards.slice(0, fromIndex)),
  );
  const queue = [...model.cards.slice(fromIndex), ...older];
  const work = async () => {
    for (let card = queue.pop(); card !== undefined; card = queue.pop()) {
      await clients.verify(card);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  if (fromIndex === 0) await clients.verifyRefused();
}

/** Looks through the whole database past the service. */
export async function verifyDatabase(place: StorePlace, model: Model): Promise<void> {
  const { violations } = model;
  await useSchema(place, async (schema) => {
    violations.push(...(await checkDatabase(schema)));
    const [counts] = await schema.run(
      `select count(*) as n, count(distinct token) as tokens,
        count(distinct pan_index) as numbers from card_number where organization = 100`,
    );
    if (counts?.n !== counts?.tokens) violations.push('a token stands for two numbers');
    if (counts?.n !== counts?.numbers) violations.push('a number has two tokens');
    // Every request that may be repeated has been answered by now: it made one card, or none.
    const gone = model.cards.filter(({ deletion }) => deletion === 'done').length;
    if (Number(counts?.n) > model.cards.length - gone + model.possibleCardCount) {
      violations.push('a repeated request made a second card');
    }

    const changes = await schema.run(
      `select card_number.token, count(account_change.position) as n from card_number
       left join account_change on account_change.organization = card_number.organization
        and account_change.number_id = card_number.number_id
       where card_number.organization = 100 group by card_number.token`,
    );
    const changeCounts = new Map(changes.map(({ token, n }) => [String(token), Number(n)]));
    for (const { token, acknowledgedChanges, possibleChanges, deletion } of model.cards) {
      const count = changeCounts.get(token);
      if (deletion === 'done' && count !== undefined) violations.push('a deleted card is there');
      if (deletion !== undefined) continue;
      if (count === undefined) violations.push('an acknowledged card is not in the database');
      else if (count < acknowledgedChanges) violations.push('an acknowledged change is lost');
      else if (count > possibleChanges) violations.push('a change happened twice');
    }

    const recorded = new Set<string>();
    for (const { records } of await schema.run('select records from audit_block')) {
      for (const line of String(records).split('\n')) recorded.add(JSON.parse(line).requestId);
    }
    for (const id of model.requestIds) {
      if (!recorded.has(id)) violations.push('an answered request has no audit record');
    }
  });
}
