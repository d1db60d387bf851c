import { Refusal } from '../domain/error.ts';
import {
  type OpenedToken,
  openToken,
  openTokens,
  type TokenFormat,
  type TokenKeys,
} from '../domain/token-format.ts';

/** Opens tokens; those of one turn of the event loop together (docs/adr/0005-micro-batching.md). */
export type OpenInTurn = (
  formats: readonly TokenFormat[],
  keys: TokenKeys,
  token: string,
) => Promise<OpenedToken>;

interface WaitingToken {
  readonly token: string;
  resolve(opened: OpenedToken): void;
  reject(error: unknown): void;
}

interface Group {
  readonly formats: readonly TokenFormat[];
  readonly waiting: WaitingToken[];
}

export function makeOpenInTurn(): OpenInTurn {
  const groups = new Map<TokenKeys, Group[]>();

  function flush(): void {
    const all = [...groups];
    groups.clear();
    for (const [keys, ofKeys] of all) {
      for (const { formats, waiting } of ofKeys) openAll(formats, keys, waiting);
    }
  }

  return (formats, keys, token) =>
    new Promise((resolve, reject) => {
      if (groups.size === 0) setImmediate(flush);
      const ofKeys = groups.get(keys) ?? [];
      groups.set(keys, ofKeys);
      let group = ofKeys.find((each) => each.formats === formats);
      if (group === undefined) {
        group = { formats, waiting: [] };
        ofKeys.push(group);
      }
      group.waiting.push({ token, resolve, reject });
    });
}

function openAll(
  formats: readonly TokenFormat[],
  keys: TokenKeys,
  waiting: readonly WaitingToken[],
): void {
  try {
    const results = openEach(
      formats,
      keys,
      waiting.map(({ token }) => token),
    );
    for (const [index, { resolve, reject }] of waiting.entries()) {
      const result = results[index];
      if (result === undefined || result instanceof Refusal) reject(result);
      else resolve(result);
    }
  } catch (error) {
    for (const { reject } of waiting) reject(error);
  }
}

/** A lone token goes the way that is fastest for one. */
function openEach(
  formats: readonly TokenFormat[],
  keys: TokenKeys,
  tokens: readonly string[],
): readonly (OpenedToken | Refusal)[] {
  const [first] = tokens;
  if (first === undefined || tokens.length > 1) return openTokens(formats, keys, tokens);
  try {
    return [openToken(formats, keys, first)];
  } catch (error) {
    if (error instanceof Refusal) return [error];
    throw error;
  }
}
