/**
 * What races in bench.ts. Each kind of contender runs in a process of its own, so that the machine
 * code V8 makes for one does not suffer from what it saw of another.
 */

import { createCipheriv } from 'node:crypto';
import { FF1 } from '@noble/ciphers/ff1.js';
import {
  detokenize,
  detokenizeMany,
  type FormatSpec,
  parseFormat,
  prepareKey,
  prepareKeys,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';

export const BATCHES = [1, 16, 256, 4096, 65_536];

export type Operation = 'tokenize' | 'detokenize';
export type Kind = 'noble' | 'AES alone' | 'ours';

export interface Race {
  readonly kind: Kind;
  readonly spec: FormatSpec;
  readonly operation: Operation;
  readonly keyHex: string;
  readonly pans: readonly string[];
}

export interface Contender {
  readonly name: string;
  /** Handles `count` tokens. */
  run(): void;
  readonly count: number;
  /** How often FF1 runs for a token, on average. */
  readonly callsOfOne: number;
}

interface Prepared {
  readonly tweak: Uint8Array;
  readonly numerals: number[];
  readonly walks: boolean;
}

/** Inputs that are used one by one come from the first so many of the list. */
const SINGLES = 4096;

export function contendersOf(race: Race): Contender[] {
  if (race.kind === 'AES alone') return BATCHES.map((size) => aesAlone(race, size));
  const inputs = race.operation === 'tokenize' ? race.pans.map(copy) : tokensOf(race);
  if (race.kind === 'noble') return [noble(race, inputs)];
  return [oursSingle(race, inputs), ...BATCHES.map((size) => oursBatch(race, inputs, size))];
}

/** Ten calls of `update`, each with one block for each token of a batch: what FF1 cannot avoid. */
function aesAlone({ keyHex }: Race, size: number): Contender {
  const key = Buffer.from(keyHex, 'hex');
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  const blocks = new Uint8Array(16 * size);
  return {
    name: `AES alone, ${size}`,
    count: size,
    callsOfOne: 1,
    run() {
      for (let round = 0; round < 10; round++) cipher.update(blocks);
    },
  };
}

function oursSingle({ spec, operation, keyHex }: Race, inputs: readonly string[]): Contender {
  const format = parseFormat(spec);
  const key = prepareKey(1, Buffer.from(keyHex, 'hex'));
  const keys = prepareKeys([key]);
  const handle =
    operation === 'tokenize'
      ? (input: string) => tokenize(format, key, input)
      : (input: string) => detokenize(format, keys, input);
  let next = 0;
  return {
    name: 'ours, single call',
    count: 1,
    callsOfOne: 1,
    run() {
      handle(inputs[next++ % SINGLES] as string);
    },
  };
}

function oursBatch(
  { spec, operation, keyHex }: Race,
  inputs: readonly string[],
  size: number,
): Contender {
  const format = parseFormat(spec);
  const key = prepareKey(1, Buffer.from(keyHex, 'hex'));
  const keys = prepareKeys([key]);
  const handle =
    operation === 'tokenize'
      ? (batch: string[]) => tokenizeMany(format, key, batch)
      : (batch: string[]) => detokenizeMany(format, keys, batch);
  const batches: string[][] = [];
  const end = size > SINGLES ? inputs.length : SINGLES;
  for (let from = 0; from < end; from += size) batches.push(inputs.slice(from, from + size));
  let next = 0;
  return {
    name: `ours, batch ${size}`,
    count: size,
    callsOfOne: 1,
    run() {
      handle(batches[next++ % batches.length] as string[]);
    },
  };
}

/**
 * FF1 of noble on the numerals and tweaks of the inputs, prepared beforehand: no strings, no
 * checks, no Luhn but what a walk needs to know its end. So the ratio flatters noble.
 */
function noble({ spec, operation, keyHex }: Race, inputs: readonly string[]): Contender {
  const key = Uint8Array.from(Buffer.from(keyHex, 'hex'));
  const prepared = inputs.slice(0, SINGLES).map((input) => prepare(spec, operation, input));
  const radix = spec.alphabet === 'numeric' ? 10 : 36;
  const direction = operation === 'tokenize' ? 'encrypt' : 'decrypt';
  let next = 0;
  let calls = 0;
  const run = () => {
    const { tweak, numerals, walks } = prepared[next++ % prepared.length] as Prepared;
    const ff1 = FF1(radix, key, tweak);
    const start = walks ? sumOfSix(numerals) : 0;
    let at = ff1[direction](numerals);
    calls++;
    while (walks && sumOfSix(at) !== start) {
      at = ff1[direction](at);
      calls++;
    }
  };
  for (let count = 0; count < 1000; count++) run();
  return { name: 'noble', count: 1, callsOfOne: calls / 1000, run };
}

/** The tweak of docs/pan-token-format.md, and the numerals that FF1 begins with. */
function prepare(spec: FormatSpec, operation: Operation, input: string): Prepared {
  const { alphabet, keepFirst, keepLast } = spec;
  const lastAt = input.length - keepLast;
  const middle = Array.from(input.slice(keepFirst, lastAt), (symbol) =>
    Number.parseInt(symbol, 36),
  );
  const isAlphanumeric = alphabet === 'alphanumeric';
  const walks = !isAlphanumeric && middle.length === 6;
  const head = (isAlphanumeric ? 0x80 : 0) | (keepFirst << 3) | keepLast | (walks ? 1 : 0);
  const kept = Buffer.from(input.slice(0, keepFirst) + input.slice(lastAt));
  const tweak = Uint8Array.of(head, ...kept);
  if (walks) {
    // Epoch 1: of a token the residue is 1, of a PAN it is made so by the last digit.
    if (operation === 'tokenize') middle.push(((middle.pop() as number) + 1) % 10);
  } else if (isAlphanumeric && operation === 'detokenize') {
    middle.shift(); // The letter.
  } else {
    middle.pop();
  }
  return { tweak, numerals: middle, walks };
}

/** What six digits in the middle add to the Luhn residue. */
function sumOfSix(numerals: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < 6; at++) {
    const digit = numerals[at] as number;
    const weighted = at % 2 === 0 ? 2 * digit : digit;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10;
}

function tokensOf({ spec, keyHex, pans }: Race): string[] {
  const key = prepareKey(1, Buffer.from(keyHex, 'hex'));
  return tokenizeMany(parseFormat(spec), key, pans).map((token) => copy(token as string));
}

/** A string of its own, as they come from a request, not a piece of a longer one. */
function copy(text: string): string {
  return Buffer.from(text).toString('latin1');
}
