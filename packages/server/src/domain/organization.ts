import type { OrganizationNumber } from './organization-number.ts';
import type { TokenFormat } from './token-format.ts';

/** An issuer: its switch and the formats of its tokens. */
export interface Organization {
  readonly number: OrganizationNumber;
  readonly name: string;
  /** Off: its cards have tokens that nobody is shown; numbers are shown masked. */
  readonly panTokenOn: boolean;
  /** New tokens are made by the first one that serves the length of the PAN. */
  readonly formats: readonly TokenFormat[];
  /** How many days after their end cards are deleted; undefined: they are kept. */
  readonly retentionDays?: number | undefined;
}
