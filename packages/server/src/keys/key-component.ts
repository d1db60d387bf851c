import { Refusal } from '../domain/error.ts';
import { xor } from './aes-cmac.ts';
import { aesCheckValue } from './check-value.ts';

/** 64 hexadecimal digits, in groups if the writer likes, and the check value of the component. */
const COMPONENT_PATTERN =
  /^((?:[0-9A-Fa-f]{4}[ -]?){15}[0-9A-Fa-f]{4})(?:\s+([0-9A-Fa-f]{6}))?\s*$/;

/** A component, and what its custodian compares. */
export interface KeyComponent {
  readonly bytes: Buffer;
  readonly checkValue: string;
}

/**
 * One component of a key, as its custodian types it: the digits and the check value, that a wrong
 * digit is noticed before the components meet.
 *
 * @param demand `or without`: its custodian is there to compare the check value that is returned.
 *
 * @throws {Refusal} `KEY_INPUT_INVALID`
 */
export function parseComponent(
  text: string,
  demand: 'with check value' | 'or without' = 'with check value',
): KeyComponent {
  const [, digits, typed] = COMPONENT_PATTERN.exec(text) ?? [];
  if (digits === undefined || (typed === undefined && demand === 'with check value')) {
    throw invalid('a component is 64 hexadecimal digits, a space, and its check value');
  }
  const bytes = Buffer.from(digits.replaceAll(/[ -]/g, ''), 'hex');
  const checkValue = aesCheckValue(bytes);
  if (typed !== undefined && checkValue !== typed.toUpperCase()) {
    throw invalid('the check value of a component does not fit: a digit is wrong');
  }
  return { bytes, checkValue };
}

/** The component as {@link parseComponent} takes it. */
export function formatComponent(bytes: Uint8Array): string {
  const groups = Buffer.from(bytes).toString('hex').toUpperCase().match(/.{4}/g) ?? [];
  return `${groups.join(' ')} ${aesCheckValue(bytes)}`;
}

/**
 * The key of two or three components: their exclusive or. None of them alone, nor all but one, says
 * anything about it.
 *
 * @throws {Refusal} `KEY_INPUT_INVALID`, also when two components are the same.
 */
export function joinComponents(components: readonly Uint8Array[]): Buffer {
  const [first, second, third, ...more] = components;
  if (first === undefined || second === undefined || more.length > 0) {
    throw invalid('a key has two or three components');
  }
  const texts = components.map((each) => Buffer.from(each).toString('hex'));
  if (new Set(texts).size !== texts.length) throw invalid('two components are the same');
  const joined = xor(first, second);
  return third === undefined ? joined : xor(joined, third);
}

function invalid(reason: string): Refusal {
  return new Refusal('KEY_INPUT_INVALID', { reason });
}
