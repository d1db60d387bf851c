/** How many digests it has room for at first; it grows by itself. A power of two. */
const FIRST_CAPACITY = 1024;

/** A set of digests of 64 bits, in two halves, for millions of them: 16 to 32 bytes each. */
export interface DigestSet {
  has(high: number, low: number): boolean;
  /** A digest that is there already is left as it is. */
  add(high: number, low: number): void;
}

/** Open addressing: a digest stands in the first free place from the one it names. At most half of them are taken. */
export function makeDigestSet(): DigestSet {
  let places = new Uint32Array(2 * FIRST_CAPACITY);
  let count = 0;

  /** Where a digest stands, or would. */
  function placeOf(high: number, low: number): number {
    const mask = places.length - 1;
    let at = (2 * low) & mask;
    while (!isFree(at) && !(places[at] === high && places[at + 1] === low)) at = (at + 2) & mask;
    return at;
  }

  const isFree = (at: number) => places[at] === 0 && places[at + 1] === 0;

  function grow(): void {
    const before = places;
    places = new Uint32Array(2 * before.length);
    for (let at = 0; at < before.length; at += 2) {
      const [high, low] = [before[at] as number, before[at + 1] as number];
      if (high !== 0 || low !== 0) put(high, low);
    }
  }

  function put(high: number, low: number): void {
    const at = placeOf(high, low);
    places[at] = high;
    places[at + 1] = low;
  }

  return {
    has: (high, low) => !isFree(placeOf(high, low || 1)),
    add(high, given) {
      const low = given || 1; // Two zeros are a free place.
      if (!isFree(placeOf(high, low))) return;
      if (4 * ++count > places.length) grow();
      put(high, low);
    },
  };
}
