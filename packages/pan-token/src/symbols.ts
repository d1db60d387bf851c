/** The ASCII codes of the 36 symbols `0-9A-Z`, both ways. */

const SYMBOLS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** What {@link VALUE_OF_CODE} holds for a byte that is no symbol. */
const NO_SYMBOL = 255;

/** The ASCII codes of `0` and `A`. */
export const CODE_OF_0 = 0x30;
export const CODE_OF_A = 0x41;

/** By numeral, 0 to 35: the ASCII code of its symbol. */
export const CODE_OF_VALUE: Uint8Array = Uint8Array.from(SYMBOLS, (symbol) => symbol.charCodeAt(0));

/** By byte: the numeral it stands for, or 255. Lower case stands for nothing. */
export const VALUE_OF_CODE: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = CODE_OF_VALUE.indexOf(code);
  return value < 0 ? NO_SYMBOL : value;
});
