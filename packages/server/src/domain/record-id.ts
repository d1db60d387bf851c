declare const brand: unique symbol;

/** Names a record for ever: 32 lower-case hexadecimal digits, a UUID of version 7 (RFC 9562). */
export type RecordId = string & { readonly [brand]: 'RecordId' };
