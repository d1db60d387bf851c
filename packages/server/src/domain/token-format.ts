import {
  detokenizeMany,
  drawRandomToken,
  type FormatSpec,
  isRandomTokenShape,
  isTokenShape,
  type KeyedFormat,
  type KeySet,
  luhnResidue,
  markOf,
  openToken as openKeyedToken,
  PanTokenError,
  parseFormat,
  parseRandomFormat,
  type RandomFormat,
  type TokenKey,
  tokenize,
} from '@pantoken/pan-token';
import { Refusal, type RefusalCode } from './error.ts';
import { destroyedWithMarkOf } from './key-epoch.ts';
import { Pan } from './pan.ts';

/** How an organization's tokens look and are made: calculated with a key, or drawn at random. */
export type TokenFormat = KeyedFormat | RandomFormat;

/** What an operator writes, and what is stored, of a format. */
export type TokenFormatSpec = FormatSpec & { readonly engine: TokenFormat['engine'] };

/** The token keys of an organization. */
export interface TokenKeys {
  /** Makes new tokens. */
  readonly active: TokenKey;
  /** Open tokens: every epoch created and not destroyed, closed ones too. */
  readonly living: KeySet;
  /** Epochs whose tokens are refused. */
  readonly closed: ReadonlySet<number>;
  /** Epochs whose keys are gone. */
  readonly destroyed: readonly number[];
}

/** The epoch of tokens that no key made. */
export const RANDOM_EPOCH = 0;

/**
 * Checks the formats of an organization: for each PAN length at most one numeric and at most one
 * alphanumeric, so that a token opens in one way; and for each alphabet and length one engine.
 *
 * @throws {Refusal} `REQUEST_INVALID` with the reason.
 */
export function parseFormats(specs: readonly TokenFormatSpec[]): readonly TokenFormat[] {
  const formats = specs.map(parseOne);
  if (formats.length === 0) throw new Refusal('REQUEST_INVALID', { field: 'formats' });
  const taken = new Set<string>();
  for (const { alphabet, panLengths } of formats) {
    for (const panLength of panLengths) {
      const place = `${alphabet}, ${panLength} digits`;
      if (taken.has(place)) {
        throw new Refusal('REQUEST_INVALID', { field: 'formats', reason: `twice: ${place}` });
      }
      taken.add(place);
    }
  }
  return formats;
}

/** What the tokens of an organization keep of a number, or token, of so many characters. */
export function keptDigits(
  formats: readonly TokenFormat[],
  length: number,
): { readonly keepFirst: number; readonly keepLast: number } {
  return formats.find(({ panLengths }) => panLengths.includes(length)) ?? KEEP_DEFAULT;
}

/** What is kept of a number that no organization has a format for. */
export const KEEP_DEFAULT = { keepFirst: 6, keepLast: 4 } as const;

function parseOne(spec: TokenFormatSpec): TokenFormat {
  try {
    return spec.engine === 'random' ? parseRandomFormat(spec) : parseFormat(spec);
  } catch (error) {
    const isOurs = error instanceof PanTokenError || error instanceof RangeError;
    if (!isOurs) throw error;
    throw new Refusal('REQUEST_INVALID', { field: 'formats', reason: error.message });
  }
}

/**
 * Makes the token of a PAN, by the first format that serves its length.
 *
 * @param random gives that many bytes from a CSPRNG; used by the random engine only. Whether a drawn
 *   token is free, only the store knows.
 * @throws {Refusal} `PAN_LENGTH_NOT_SERVED`
 */
export function makeToken(
  formats: readonly TokenFormat[],
  keys: TokenKeys,
  pan: Pan,
  random: { bytes(count: number): Uint8Array },
): { token: string; epoch: number } {
  const format = formats.find(({ panLengths }) => panLengths.includes(pan.length));
  if (format === undefined) throw new Refusal('PAN_LENGTH_NOT_SERVED', { length: pan.length });
  if (format.engine === 'random') {
    const token = drawRandomToken(format, pan.reveal(), (count) => random.bytes(count));
    return { token, epoch: RANDOM_EPOCH };
  }
  return { token: tokenize(format, keys.active, pan.reveal()), epoch: keys.active.epoch };
}

/** Why the heart did not open a token, in our words. All of them are one to the caller. */
const CODE_OF_HEART: Partial<Record<PanTokenError['code'], RefusalCode>> = {
  TOKEN_MALFORMED: 'TOKEN_MALFORMED',
  TOKEN_EPOCH_UNKNOWN: 'TOKEN_MALFORMED',
  TOKEN_NOT_OURS: 'TOKEN_MALFORMED',
};

/** A token as far as it can be opened without its record. */
export interface OpenedToken {
  /** Undefined for a random token. */
  readonly pan: Pan | undefined;
  readonly epoch: number;
  /**
   * The destroyed epochs whose tokens carry the same mark, newest first. What does not agree with a
   * record may be one of theirs.
   */
  readonly lost: readonly number[];
}

/**
 * Opens a token as far as that goes without its record: a keyed one gives its PAN and epoch; of a
 * random one only the shape is checked.
 *
 * A string with a letter belongs to the alphanumeric format of its length, any other to the numeric
 * one. No format, engine or key is tried in turn.
 *
 * @throws {Refusal} `TOKEN_MALFORMED`, `TOKEN_EPOCH_DESTROYED`
 */
export function openToken(
  formats: readonly TokenFormat[],
  keys: TokenKeys,
  token: string,
): OpenedToken {
  const format = demandFormat(formats, token);
  if (format.engine === 'random') return openRandomToken(format, token);
  const lost = lostEpochs(format, keys, token);
  try {
    const { pan, epoch } = openKeyedToken(format, keys.living, token);
    return { pan: Pan.parse(pan), epoch, lost };
  } catch (error) {
    if (!(error instanceof PanTokenError)) throw error;
    throw refusalOfHeart(error, lost);
  }
}

/**
 * Opens many tokens at once, which costs a fraction of opening each by itself.
 *
 * @returns for each token what {@link openToken} gives, or the refusal it throws.
 */
export function openTokens(
  formats: readonly TokenFormat[],
  keys: TokenKeys,
  tokens: readonly string[],
): readonly (OpenedToken | Refusal)[] {
  const results = new Array<OpenedToken | Refusal>(tokens.length);
  const byFormat = new Map<KeyedFormat, number[]>();
  for (const [at, token] of tokens.entries()) {
    try {
      const format = demandFormat(formats, token);
      if (format.engine === 'random') results[at] = openRandomToken(format, token);
      else byFormat.set(format, [...(byFormat.get(format) ?? []), at]);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      results[at] = error;
    }
  }
  for (const [format, places] of byFormat) {
    const asked = places.map((at) => tokens[at] ?? '');
    const opened = detokenizeMany(format, keys.living, asked);
    const epochs = epochsByMark(format, keys);
    for (const [index, at] of places.entries()) {
      const token = asked[index] ?? '';
      const lost = lostEpochs(format, keys, token);
      const pan = opened[index];
      results[at] =
        typeof pan === 'string'
          ? { pan: Pan.parse(pan), epoch: demandEpoch(epochs, markIn(format, token)), lost }
          : refusalOfHeart(pan, lost);
    }
  }
  return results;
}

function demandFormat(formats: readonly TokenFormat[], token: string): TokenFormat {
  const alphabet = /^[0-9]*$/.test(token) ? 'numeric' : 'alphanumeric';
  const format = formats.find(
    (each) => each.alphabet === alphabet && each.panLengths.includes(token.length),
  );
  if (format === undefined) throw new Refusal('TOKEN_MALFORMED', { length: token.length });
  return format;
}

function openRandomToken(format: RandomFormat, token: string): OpenedToken {
  if (!isRandomTokenShape(format, token)) throw new Refusal('TOKEN_MALFORMED');
  return { pan: undefined, epoch: RANDOM_EPOCH, lost: [] };
}

/** @throws {PanTokenError} what is no answer to a token, but a bug. */
function refusalOfHeart(error: PanTokenError | undefined, lost: readonly number[]): Refusal {
  if (error === undefined) throw new Error('the heart left out a token');
  const code = CODE_OF_HEART[error.code];
  if (code === undefined) throw error;
  const [epoch] = error.code === 'TOKEN_EPOCH_UNKNOWN' ? lost : [];
  if (epoch !== undefined) return new Refusal('TOKEN_EPOCH_DESTROYED', { epoch });
  return new Refusal(code);
}

function epochsByMark({ alphabet }: KeyedFormat, { living }: TokenKeys): Map<string, number> {
  return new Map(living.epochs.map((epoch) => [markOf(alphabet, epoch), epoch]));
}

function demandEpoch(epochs: ReadonlyMap<string, number>, mark: string): number {
  const epoch = epochs.get(mark);
  if (epoch === undefined) throw new Error('a token opened under the mark of no epoch');
  return epoch;
}

function lostEpochs(format: KeyedFormat, keys: TokenKeys, token: string): readonly number[] {
  if (keys.destroyed.length === 0 || !isTokenShape(format, token)) return [];
  return destroyedWithMarkOf(format.alphabet, keys.destroyed, markIn(format, token));
}

/** Where a token of the format says which epoch it is of. */
function markIn({ alphabet, keepFirst }: KeyedFormat, token: string): string {
  return alphabet === 'numeric' ? String(luhnResidue(token)) : (token[keepFirst] ?? '');
}
