/**
 * Every way this package refuses data. One table, one class.
 *
 * What depends on data (a PAN, a token, a format an operator wishes for) is refused with a
 * {@link PanTokenError}; a wrong argument of the programmer is a `TypeError` or a `RangeError` that
 * names the argument. No message of either kind holds a PAN, a token or a key.
 *
 * @module
 */

/** Codes are public API: add freely, never rename, never reuse. Titles may be reworded. */
const REFUSALS = {
  PAN_MALFORMED: 'A PAN is 12 to 19 ASCII digits, does not begin with 0 and passes the Luhn check.',
  PAN_LENGTH_NOT_SERVED: 'The format does not serve PANs of this length.',
  TOKEN_MALFORMED: 'This does not have the shape of a token of the format.',
  TOKEN_EPOCH_UNKNOWN: 'The mark of this token belongs to none of the living epochs.',
  TOKEN_NOT_OURS: 'This has the shape of a token, but no PAN is behind it.',
  FORMAT_LENGTH_NOT_SERVABLE: 'The format cannot serve a PAN length it lists.',
  EPOCH_MARK_SHARED: 'Two living epochs have one mark.',
} as const satisfies Record<string, string>;

/** The stable codes of {@link PanTokenError}. */
export type PanTokenErrorCode = keyof typeof REFUSALS;

/**
 * A refusal that depends on data. Compare {@link PanTokenError.code}, not the message.
 *
 * - `PAN_MALFORMED`: not 12 to 19 ASCII digits, begins with 0, or fails the Luhn check.
 * - `PAN_LENGTH_NOT_SERVED`: a PAN, but of a length the format does not list.
 * - `TOKEN_MALFORMED`: not the exact shape of a token of the format; no key was used.
 * - `TOKEN_EPOCH_UNKNOWN`: the right shape, with the mark of an epoch whose key was not given.
 * - `TOKEN_NOT_OURS`: the right shape and a living mark, but the key opens it to no PAN.
 * - `FORMAT_LENGTH_NOT_SERVABLE`: a listed length leaves too few digits to replace.
 * - `EPOCH_MARK_SHARED`: two of the epochs have one letter or one residue, or one is there twice.
 */
export class PanTokenError extends Error {
  override readonly name = 'PanTokenError';
  readonly code: PanTokenErrorCode;

  /** @param detail lengths, domains and epochs only: never a PAN, a token or a key. */
  constructor(code: PanTokenErrorCode, detail?: string) {
    super(detail === undefined ? REFUSALS[code] : `${REFUSALS[code]} ${detail}`);
    this.code = code;
  }
}

const sharedRefusals = new Map<PanTokenErrorCode, PanTokenError>();

/**
 * Gives the one refusal of a code that stands in the results of the many-forms: frozen, without a
 * stack, since a million bad elements must not cost a million stack traces.
 */
export function refusalOf(code: PanTokenErrorCode): PanTokenError {
  let refusal = sharedRefusals.get(code);
  if (refusal === undefined) {
    refusal = new PanTokenError(code);
    refusal.stack = `${refusal.name}: ${refusal.message}`;
    sharedRefusals.set(code, Object.freeze(refusal));
  }
  return refusal;
}
