import { deepEqual, equal, ok, throws } from 'node:assert/strict';
import { describe, it } from 'node:test';
import { singleWindows, windows } from '../src/batch.ts';
import type { Lane } from '../src/ff1-lane.ts';
import { manyLanes, singleLanes } from '../src/ff1-strings.ts';
import {
  detokenizeMany,
  ff1Encrypt,
  ff1EncryptMany,
  openToken,
  parseFormat,
  prepareKey,
  tokenize,
  tokenizeMany,
} from '../src/index.ts';
import { makePool } from '../src/pool.ts';
import { desks } from '../src/token.ts';
import type { Window } from '../src/window.ts';
import { randomPan } from './pans.ts';

const FORMATS = [
  parseFormat({ alphabet: 'numeric', keepFirst: 6, keepLast: 4 }),
  parseFormat({ alphabet: 'alphanumeric', keepFirst: 0, keepLast: 0 }),
] as const;
const KEY = prepareKey(1, new Uint8Array(32).fill(5));
const KEYS = [KEY];

function checkLane(lane: Lane): void {
  ok(lane.left.every((value) => value === 0));
  ok(lane.right.every((value) => value === 0));
  ok(lane.blocks.every((value) => value === 0));
}

interface Pool<T> {
  take(): T;
  giveBack(piece: T): void;
}

function waitingIn<T>(pool: Pool<T>): T {
  const piece = pool.take();
  pool.giveBack(piece);
  return piece;
}

function checkWindow(pool: Pool<Window>): void {
  const window = waitingIn(pool);
  ok(window.texts.codes.every((value) => value === 0));
  checkLane(window.lane);
}

/** Tells which of the lanes a call used: beside the blocks, what is no secret stays. */
function usedBy(call: () => unknown, ...lanes: readonly Lane[]): boolean[] {
  for (const { upper } of lanes) upper.fill(0);
  call();
  return lanes.map(({ upper }) => upper.some((word) => word !== 0));
}

describe('the memory that a call works in', () => {
  it('holds nothing of a PAN after a single call, refused or not', () => {
    for (const format of FORMATS) {
      const pan = randomPan(16);
      const token = tokenize(format, KEY, pan);
      checkWindow(desks);
      openToken(format, KEYS, token);
      checkWindow(desks);
      throws(() => tokenize(format, KEY, token));
      checkWindow(desks);
      throws(() => openToken(format, KEYS, pan));
      checkWindow(desks);
    }
  });

  it('holds nothing of the PANs after a call for many', () => {
    for (const format of FORMATS) {
      for (const count of [1, 2, 5000, 9000]) {
        const pans = Array.from({ length: count }, () => randomPan(19));
        const tokens = tokenizeMany(format, KEY, pans) as string[];
        checkWindow(windows);
        checkWindow(singleWindows);
        deepEqual(detokenizeMany(format, KEYS, tokens), pans);
        checkWindow(windows);
        checkWindow(singleWindows);
      }
    }
  });

  it('holds nothing of texts that are not ASCII, which take more room than they should', () => {
    for (const count of [1, 2, 300, 8192, 9000]) {
      const pans = Array.from({ length: count }, () => randomPan(19));
      for (const at of [0, count - 1]) {
        const text = (pans[at] as string).replaceAll(/\d/g, '４');
        equal(tokenizeMany(FORMATS[0], KEY, pans.with(at, text)).length, count);
        checkWindow(windows);
        checkWindow(singleWindows);
      }
    }
  });

  it('holds nothing of the numerals after FF1', () => {
    const params = { key: new Uint8Array(16), radix: 10, tweak: new Uint8Array() };
    const digits = [1, 2, 3, 4, 5, 6, 7];
    ff1Encrypt(params, digits);
    ff1EncryptMany(params, [digits, digits]);
    throws(() => ff1Encrypt(params, digits.with(6, 10)));
    throws(() => ff1EncryptMany(params, [digits, digits.with(6, 10)]));
    for (const lanes of [singleLanes, manyLanes]) checkLane(waitingIn(lanes));
  });

  it('is small for one, and kept for the next call', () => {
    const [format] = FORMATS;
    const pan = randomPan(16);
    const [desk, small, large] = [desks, singleWindows, windows].map(waitingIn) as [
      Window,
      Window,
      Window,
    ];
    for (const { textCount, lane } of [desk, small]) deepEqual([textCount, lane.capacity], [1, 1]);
    const usedFor = (call: () => unknown) => usedBy(call, desk.lane, small.lane, large.lane);
    deepEqual(
      usedFor(() => tokenize(format, KEY, pan)),
      [true, false, false],
    );
    ok(waitingIn(desks) === desk);
    const token = tokenize(format, KEY, pan);
    deepEqual(
      usedFor(() => openToken(format, KEYS, token)),
      [true, false, false],
    );
    deepEqual(
      usedFor(() => tokenizeMany(format, KEY, [pan])),
      [false, true, false],
    );
    deepEqual(
      usedFor(() => tokenizeMany(format, KEY, [pan, pan])),
      [false, false, true],
    );
    ok(waitingIn(desks) === desk);
    ok(waitingIn(singleWindows) === small && waitingIn(windows) === large);
  });

  it('is small for one string of numerals, and kept for the next call', () => {
    const params = { key: new Uint8Array(16), radix: 10, tweak: new Uint8Array() };
    const digits = [1, 2, 3, 4, 5, 6, 7];
    const [small, large] = [singleLanes, manyLanes].map(waitingIn) as [Lane, Lane];
    equal(small.capacity, 1);
    const usedFor = (list: number[][]) => usedBy(() => ff1EncryptMany(params, list), small, large);
    deepEqual(usedFor([digits]), [true, false]);
    deepEqual(usedFor([digits, digits]), [false, true]);
    ok(waitingIn(singleLanes) === small && waitingIn(manyLanes) === large);
  });

  it('is made anew for who finds it taken', () => {
    let made = 0;
    const pool = makePool(() => ++made);
    equal(pool.take(), 1);
    equal(pool.take(), 2);
    pool.giveBack(1);
    equal(pool.take(), 1);
    equal(pool.take(), 3);
  });
});
