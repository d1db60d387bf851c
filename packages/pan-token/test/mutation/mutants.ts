/**
 * Makes the mutants of a source file: copies with one change each. Types are stripped before, so
 * that no change is made where it could mean nothing.
 */

import { stripTypeScriptTypes } from 'node:module';

export interface Mutant {
  readonly file: string;
  /**
   * The file, and the line before and after, without indentation. A number is added where the same
   * change of the same line is made for the second or third time.
   */
  readonly name: string;
  /** The whole file, in JavaScript. */
  readonly text: string;
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
}

/** Operators, as the formatter writes them: with a space on both sides. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '&': ['|'],
  '|': ['&'],
  '^': ['|', '&'],
  '<<': ['>>>'],
  '>>>': ['<<', '>>'],
  '>>': ['<<'],
  '+=': ['-='],
  '-=': ['+='],
  '*=': ['/='],
  '|=': ['&='],
  '>>=': ['<<='],
};

/** Words that stand for themselves alone, or before a parenthesis. */
const WORDS: Readonly<Record<string, string>> = {
  true: 'false',
  false: 'true',
  'Math.min': 'Math.max',
  'Math.max': 'Math.min',
  'Math.floor': 'Math.ceil',
  'Math.ceil': 'Math.floor',
  '.some': '.every',
  '.every': '.some',
  getInt32: 'getUint32',
  getUint16: 'getInt16',
  getUint32: 'getInt32',
  "'encrypt'": "'decrypt'",
  "'decrypt'": "'encrypt'",
  "'left'": "'right'",
  "'right'": "'left'",
};

export function mutantsOf(file: string, source: string): Mutant[] {
  const code = stripTypeScriptTypes(source);
  const masked = maskText(code);
  const changes = [
    ...operatorChanges(masked),
    ...numberChanges(masked),
    ...wordChanges(code, masked),
    ...conditionChanges(masked),
    ...statementChanges(masked),
    ...regexChanges(code, masked),
  ];
  const times = new Map<string, number>();
  const mutants = changes.map(({ start, end, replacement }) => {
    const text = code.slice(0, start) + replacement + code.slice(end);
    const line = code.slice(0, start).split('\n').length - 1;
    const before = tidy(code.split('\n')[line] ?? '');
    const after = tidy(text.split('\n')[line] ?? '');
    const name = `${file}: ${before} => ${after}`;
    const time = (times.get(name) ?? 0) + 1;
    times.set(name, time);
    return { file, name: time === 1 ? name : `${name} #${time}`, text };
  });
  // Two changes may come to the same, and some to no program.
  return [...new Map(mutants.map((mutant) => [mutant.text, mutant])).values()].filter(isProgram);
}

function isProgram({ text }: Mutant): boolean {
  try {
    stripTypeScriptTypes(text);
    return true;
  } catch {
    return false;
  }
}

function* operatorChanges(masked: string): Generator<Change> {
  for (const { index, 1: operator = '' } of masked.matchAll(
    /(?<= )([<>=!+\-*/%&|?^]+)(?=[ \n])/g,
  )) {
    for (const replacement of OPERATORS[operator] ?? []) {
      yield { start: index, end: index + operator.length, replacement };
    }
  }
  for (const { index, 0: operator } of masked.matchAll(/\+\+|--/g)) {
    yield { start: index, end: index + 2, replacement: operator === '++' ? '--' : '++' };
  }
  for (const { index } of masked.matchAll(/!(?=[\w(])/g)) {
    yield { start: index, end: index + 1, replacement: '' };
  }
  for (const { index } of masked.matchAll(/(?<=[(\s[,])-(?=\w)/g)) {
    yield { start: index, end: index + 1, replacement: '' };
  }
}

function* numberChanges(masked: string): Generator<Change> {
  const literals = /(?<![\w.$])(0x[\da-f_]+|\d[\d_]*(?:\.\d+)?(?:e\d+)?)(n?)(?![\w.])/gi;
  for (const { index, 0: whole, 1: digits = '', 2: suffix = '' } of masked.matchAll(literals)) {
    const value = Number(digits.replaceAll('_', ''));
    for (const changed of value >= 2 ? [value + 1, value - 1] : [value + 1]) {
      yield { start: index, end: index + whole.length, replacement: `${changed}${suffix}` };
    }
  }
}

function* wordChanges(code: string, masked: string): Generator<Change> {
  for (const [word, replacement] of Object.entries(WORDS)) {
    const isText = word.startsWith("'");
    const pattern = new RegExp(`(?<![\\w$])${word.replaceAll('.', '\\.')}(?![\\w$])`, 'g');
    for (const { index } of (isText ? code : masked).matchAll(pattern)) {
      // A string counts where it is code, not where a comment speaks of it.
      if (isText && masked[index] !== "'") continue;
      yield { start: index, end: index + word.length, replacement };
    }
  }
}

/** Takes each decision for granted, both ways. A loop that never ends would say nothing. */
function* conditionChanges(masked: string): Generator<Change> {
  for (const { index, 1: word = '' } of masked.matchAll(/\b(if|while) \(/g)) {
    const start = index + word.length + 2;
    const end = closing(masked, start - 1);
    yield { start, end, replacement: 'false' };
    if (word === 'if') yield { start, end, replacement: 'true' };
  }
  for (const { index } of masked.matchAll(/ \? /g)) {
    const start = Math.max(
      ...['return ', ' = ', ': ', '(', ', ', '${', '=> '].map((before) => {
        const at = masked.lastIndexOf(before, index - 1);
        return at < 0 ? 0 : at + before.length;
      }),
    );
    const condition = masked.slice(start, index);
    if (!balanced(condition) || /[;{}\n]/.test(condition)) continue;
    yield { start, end: index, replacement: 'true' };
    yield { start, end: index, replacement: 'false' };
  }
}

/** Leaves out statements that are done for what they change. */
function* statementChanges(masked: string): Generator<Change> {
  for (const { index, 0: line } of masked.matchAll(/^ *[^\n]*;$/gm)) {
    const text = line.trim();
    if (/^(const|let|return|throw|import|export|continue|break|type|for|[})])/.test(text)) continue;
    if (!balanced(text) || /^#?\w+ *;$/.test(text)) continue; // A field without its type.
    yield { start: index, end: index + line.length, replacement: ';' };
  }
}

/** Loosens regular expressions. */
function* regexChanges(code: string, masked: string): Generator<Change> {
  for (const { index, 0: literal } of code.matchAll(/(?<=[ (])\/(?:[^/\n\\]|\\.)+\/[a-z]*/g)) {
    // Not a comment, nor a division.
    if (masked[index + 1] !== '~' || '/*'.includes(code[index + 1] ?? '')) continue;
    for (const [from, to] of [
      ['^', ''],
      ['$', ''],
      ['+', '*'],
      ['*', '+'],
      ['1-9', '0-9'],
      ['0-9', '0-8'],
      ['A-Z', 'A-Y'],
    ] as const) {
      for (let at = literal.indexOf(from); at >= 0; at = literal.indexOf(from, at + 1)) {
        yield { start: index + at, end: index + at + from.length, replacement: to };
      }
    }
  }
}

/** Replaces comments, strings and regular expressions by as many `~`, template text too. */
function maskText(code: string): string {
  const tokens =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|(?<=[ (])\/(?:[^/\n\\*]|\\.)(?:[^/\n\\]|\\.)*\/(?=[a-z]*[.;,)])|`(?:[^`\\]|\\.)*`/g;
  return code.replaceAll(tokens, (token) => {
    if (token.startsWith('`')) return maskTemplate(token);
    const fill = token.slice(1, -1).replaceAll(/[^\n]/g, '~');
    return (token[0] ?? '') + fill + token.slice(-1);
  });
}

/** Keeps what stands in `${}`, which here never holds a brace. */
function maskTemplate(token: string): string {
  return token.replaceAll(/\$\{[^}]*\}|[^\n]/g, (part) => (part.length > 1 ? part : '~'));
}

/** Gives where the parenthesis that opens at `open` is closed. */
function closing(masked: string, open: number): number {
  let depth = 0;
  for (let at = open; at < masked.length; at++) {
    if (masked[at] === '(') depth++;
    if (masked[at] === ')' && --depth === 0) return at;
  }
  throw new Error('unbalanced parentheses');
}

function balanced(text: string): boolean {
  let depth = 0;
  for (const symbol of text) {
    if ('([{'.includes(symbol)) depth++;
    if (')]}'.includes(symbol)) depth--;
    if (depth < 0) return false;
  }
  return depth === 0;
}

function tidy(line: string): string {
  return line.trim().replaceAll(/\s+/g, ' ');
}
