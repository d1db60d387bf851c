import { type Caller, encryptionKeyOf } from '../domain/caller.ts';
import { Refusal } from '../domain/error.ts';
import type { OrganizationNumber } from '../domain/organization-number.ts';
import type { Pan } from '../domain/pan.ts';
import type { Clock, PublicKeys, ZoneKeys } from './ports.ts';

export interface ShowNumberDeps {
  readonly publicKeys: PublicKeys;
  readonly zoneKeys: ZoneKeys;
  readonly clock: Clock;
}

/** A card number as it leaves: in clear, or as text that only its receiver opens. */
export type ShownNumber =
  | { readonly form: 'clear'; readonly pan: Pan }
  | { readonly form: 'jwe' | 'zone-key'; readonly text: string };

/**
 * Gives a card number the form that is fixed for its caller; never a weaker one.
 *
 * @throws {Refusal} `ENCRYPTION_KEY_MISSING`, `NUMBER_ENCRYPTED_NO_ZONE_KEY`
 */
export async function showNumber(
  { publicKeys, zoneKeys, clock }: ShowNumberDeps,
  caller: Caller,
  organization: OrganizationNumber,
  pan: Pan,
): Promise<ShownNumber> {
  switch (caller.numberForm) {
    case 'clear':
      return { form: 'clear', pan };
    case 'zone-key':
      return { form: 'zone-key', text: zoneKeys.encrypt(organization, pan) };
    case 'jwe': {
      const key = encryptionKeyOf(caller, clock.nowMs());
      if (key === undefined) throw new Refusal('ENCRYPTION_KEY_MISSING');
      return { form: 'jwe', text: await publicKeys.encryptTo(key, pan.reveal()) };
    }
  }
}
