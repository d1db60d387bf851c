/**
 * What texts keep when they are logged. Our own say nothing secret, but a library may quote what it
 * choked on, and nobody knows all libraries.
 *
 * @module
 */

/** No word of ours is longer; base64 of a card number is. */
const WORD_LENGTH_MAX = 24;

/** A message is a sentence, not a document. */
const TEXT_LENGTH_MAX = 500;

const GONE = '[...]';

/** What stands in quotes is somebody's value. */
const QUOTED = /"[^"]*"|'[^']*'|`[^`]*`/g;

/** A name of ours, `snake_case`, `SNAKE_CASE` or `camelCase`: base64 is none of them. */
export function isPlainName(text: string): boolean {
  return /^[A-Za-z_]{1,48}$/.test(text) && isSpelled(text);
}

/** Letters as people write them: lower or upper case, or `camelCase`. What is encoded is mixed. */
function isSpelled(text: string): boolean {
  return text
    .split(/[^A-Za-z]+/)
    .every((run) => /^(?:[A-Z]?[a-z]+(?:[A-Z][a-z]+)*|[A-Z]+)?$/.test(run));
}

/** A text without what is quoted, words with digits, and words that are too long to be one. */
export function maskText(text: string): string {
  return text
    .slice(0, TEXT_LENGTH_MAX)
    .replaceAll(QUOTED, GONE)
    .split(/(\s+)/)
    .map((word) => (isHarmless(word) ? word : GONE))
    .join('');
}

/** ASCII only: full-width digits are digits, too. */
function isHarmless(word: string): boolean {
  const isPlain = /^[\x20-\x2f\x3a-\x7e\s]*$/.test(word) && word.length <= WORD_LENGTH_MAX;
  return isPlain && isSpelled(word);
}

/** Nothing needs more to be understood. */
const CAUSES_MAX = 4;

/**
 * Of an error the name, the code, the masked message and the places of the stack; never the first
 * lines of the stack, which repeat the message.
 */
export function describeError(error: unknown, depth = 0): Record<string, unknown> | undefined {
  if (!(error instanceof Error) || depth === CAUSES_MAX) return undefined;
  const { name, message, stack, cause } = error;
  const { code } = error as NodeJS.ErrnoException;
  const causes = describeError(cause, depth + 1);
  return {
    name: isPlainName(name) ? name : 'Error',
    ...(typeof code === 'string' && isCode(code) && { code }),
    message: maskText(message),
    ...(typeof stack === 'string' && { stack: placesOf(stack) }),
    ...(causes !== undefined && { cause: causes }),
  };
}

/** `ECONNREFUSED`, or an SQLSTATE such as `40P01`. */
function isCode(text: string): boolean {
  return isPlainName(text) || /^(?:[0-9A-Z]{5}|[A-Z_]{1,40}[0-9]{0,3})$/.test(text);
}

/** A place in a file: a function, a path, a line and a column. */
const PLACE =
  /^ {4}at (?:async )?(?:([A-Za-z_$<>.[\] ]{1,80}) \()?(?:file:\/\/|node:)?[A-Za-z0-9_@./-]{1,250}:\d{1,6}:\d{1,4}\)?$/;

function placesOf(stack: string): string {
  const isPlace = (line: string) => {
    const [, called = ''] = PLACE.exec(line) ?? [undefined, '0'];
    return called !== '0' && isSpelled(called) && !/[0-9]{9}/.test(line);
  };
  return stack.split('\n').filter(isPlace).join('\n');
}
