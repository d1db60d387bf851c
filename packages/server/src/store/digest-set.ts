/** Two halves of 32 bits. */
export type Digest = readonly [high: number, low: number];

/**
 * A set of digests, for millions of them: 16 to 32 bytes each. Whoever may choose what is in it must not know
 * the digests: chosen ones could all want the same place.
 */
export interface DigestSet {
  has(digest: Digest): boolean;
  /** A digest that is there already is left as it is. @throws {RangeError} when there is no memory for more. */
  add(digest: Digest): void;
}

/** Places at first, 8 KiB of them; a power of two, since a place is named by the lower bits of a digest. */
const FIRST_PLACES = 1024;

/** Open addressing: a digest stands in the first free place from the one it names. At most half of them are taken. */
export function makeDigestSet(): DigestSet {
  let places = new Uint32Array(2 * FIRST_PLACES);
  let count = 0;

  const isFree = (at: number) => places[at] === 0 && places[at + 1] === 0;

  /** Where a digest stands, or would. */
  function placeOf([high, low]: Digest): number {
    const mask = places.length - 1;
    let at = (2 * low) & mask;
    while (!isFree(at) && !(places[at] === high && places[at + 1] === low)) at = (at + 2) & mask;
    return at;
  }

  function put(digest: Digest): void {
    places.set(digest, placeOf(digest));
  }

  function grow(): void {
    const before = places;
    places = new Uint32Array(2 * before.length);
    for (let at = 0; at < before.length; at += 2) {
      const digest: Digest = [before[at] as number, before[at + 1] as number];
      if (digest[0] !== 0 || digest[1] !== 0) put(digest);
    }
  }

  return {
    has: (digest) => !isFree(placeOf(notFree(digest))),
    add(given) {
      const digest = notFree(given);
      if (!isFree(placeOf(digest))) return;
      if (4 * (count + 1) > places.length) grow();
      put(digest);
      count++;
    },
  };
}

/** Two zeros are a free place. */
function notFree([high, low]: Digest): Digest {
  return [high, low || 1];
}
