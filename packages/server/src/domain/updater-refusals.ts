/** Those of account changes, watchlists, notifications and schemes: part of the table of error.ts. */
export const UPDATER_REFUSALS = {
  EFFECTIVE_DATE_INVALID: {
    kind: 'invalid',
    title: 'The effective date is no day YYYY-MM-DD of the years 2000 to 2099.',
  },
  REFERENCE_INVALID: { kind: 'invalid', title: 'A reference is 1 to 64 printable characters.' },
  REFERENCE_REUSED: {
    kind: 'conflict',
    title: 'Another account change is recorded under this reference.',
  },
  LINEAGE_LOOP: {
    kind: 'conflict',
    title: 'The new number leads back to the card that it would replace.',
  },
  NEW_EXPIRY_DIFFERS: {
    kind: 'conflict',
    title: 'The new number is on record with another expiry: send a renewal of it.',
  },
  CHANGE_NOT_FOUND: {
    kind: 'not_found',
    title: 'No account change of this organization is recorded under the corrected reference.',
  },
  CHANGE_NOT_CORRECTABLE: {
    kind: 'conflict',
    title: 'This account change is a correction, or is corrected already.',
  },
  NOTIFICATION_URL_MISSING: {
    kind: 'conflict',
    title: 'The merchant has no notification URL, so that nobody could be told of anything.',
  },
  NOTIFICATION_URL_INVALID: {
    kind: 'invalid',
    title: 'A notification URL is https, without user, query or fragment.',
  },
  NOTIFICATION_URL_UNPROVEN: {
    kind: 'invalid',
    title: 'The URL did not answer the challenge as the owner of the key would.',
  },
  MERCHANT_KEY_INVALID: {
    kind: 'invalid',
    title: 'A key is RSA of 2048 bits or more, and large enough for a notification.',
  },
  PANID_UNKNOWN: {
    kind: 'not_found',
    title: 'No card is watched by this id, or none of this merchant.',
  },
  CUSTOM_REFERENCE_INVALID: {
    kind: 'invalid',
    title: 'A custom reference is 1 to 64 bytes.',
  },
  QUOTA_EXCEEDED: {
    kind: 'limited',
    title: 'The merchant has used up its quota. Try again shortly.',
  },
  QUOTA_INVALID: {
    kind: 'invalid',
    title: 'A quota is 1 to 10,000,000 validations a minute.',
  },
  UPSTREAM_NOT_ENROLLED: {
    kind: 'conflict',
    title: 'The merchant is not enrolled with the account updater of this card scheme.',
  },
  UPSTREAM_CARD_REJECTED: {
    kind: 'invalid',
    title: 'The account updater of the card scheme does not take this number or expiry.',
  },
  UPSTREAM_REFUSED: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme refused the inquiry.',
  },
  UPSTREAM_CREDENTIALS_REFUSED: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme does not take our credentials.',
  },
  UPSTREAM_LIMITED: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme takes no more inquiries for now.',
  },
  UPSTREAM_PENDING: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme is still at work. Ask again later.',
  },
  UPSTREAM_TIMEOUT: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme did not answer in time.',
  },
  UPSTREAM_UNREACHABLE: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme could not be reached.',
  },
  UPSTREAM_SUSPENDED: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme failed often and is not asked for a moment.',
  },
  UPSTREAM_ANSWER_UNKNOWN: {
    kind: 'unavailable',
    title: 'The account updater of the card scheme gave an answer that is not understood.',
  },
} as const;
