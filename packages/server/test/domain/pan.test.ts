import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { pino } from 'pino';
import { Refusal } from '../../src/domain/error.ts';
import { CardNumber, Pan } from '../../src/domain/pan.ts';
import { makeLog } from '../../src/log.ts';

const DIGITS = '4111111111111111';
const MASKED = '411111******1111';

/** Everything that turns a value into text without asking for the digits. */
const PRINTERS: Readonly<Record<string, (value: unknown) => string>> = {
  String: (value) => String(value),
  'a template': (value) => `${value}`,
  'a sum of texts': (value) => `x${value}`,
  JSON: (value) => JSON.stringify({ value, list: [value] }),
  'console.log': (value) => format('%s %o %O %j', value, value, value, value),
  'util.inspect with all there is': (value) =>
    inspect({ value }, { showHidden: true, depth: 9, getters: true }),
  'util.inspect without our method': (value) =>
    inspect({ value }, { customInspect: false, showHidden: true, depth: 9 }),
  'the names and values of its fields': (value) => JSON.stringify(Object.entries(value as object)),
  'a structured clone': (value) => inspect(structuredClone(value)),
  'a bare pino': (value) => logged((line) => pino({}, { write: line }).info({ value }, 'it')),
  'our log': (value) => logged((line) => makeLog('debug', { write: line }).info({ value }, 'it')),
  'our log, of an error that quotes it': (value) =>
    logged((line) => {
      const err = new Error(`bad ${(value as Pan).reveal()}`, {
        cause: new Error((value as Pan).reveal()),
      });
      makeLog('debug', { write: line }).error({ err }, 'it');
    }),
};

function logged(log: (write: (line: string) => void) => void): string {
  let text = '';
  log((line) => {
    text += line;
  });
  return text;
}

describe('a card number', () => {
  for (const [name, print] of Object.entries(PRINTERS)) {
    it(`does not print its digits through ${name}`, () => {
      for (const number of [Pan.parse(DIGITS), CardNumber.parseNumber(DIGITS)]) {
        const text = print(number);
        assert(!text.includes('1111111'), text);
      }
    });
  }

  it('prints six digits, stars and four digits', () => {
    assert.equal(`${Pan.parse(DIGITS)}`, MASKED);
    assert.equal(JSON.stringify([Pan.parse(DIGITS)]), `["${MASKED}"]`);
    assert.equal(inspect(Pan.parse(DIGITS)), `Pan(${MASKED})`);
  });

  it('prints the last four only when it is short, so that enough stays hidden', () => {
    assert.equal(String(CardNumber.parseNumber('12345678901234')), '**********1234');
    assert.equal(String(CardNumber.parseNumber('123456789012')), '********9012');
    assert.equal(String(CardNumber.parseNumber('123456789012345')), '123456*****2345');
  });

  it('gives its digits to who asks for them by name', () => {
    assert.equal(Pan.parse(DIGITS).reveal(), DIGITS);
    assert.equal(Pan.parse(DIGITS).length, 16);
  });

  it('is 12 to 19 ASCII digits and nothing else', () => {
    const wrong = [
      ...['', '12345678901', '12345678901234567890', '4111 1111 1111 1111', '4111111111111111\n'],
      ...[
        '４１１１１１１１１１１１１１１１',
        '٤١١١١١١١١١١١١١١١',
        '411111111111111l',
        '+411111111111111',
      ],
      ...['-411111111111111', '41111111111111.1', '4111111111111e11', '\u0000411111111111111'],
    ];
    for (const text of wrong) {
      assert.throws(() => CardNumber.parseNumber(text), refusal('CARD_NUMBER_MALFORMED', text));
      assert.throws(() => Pan.parse(text), refusal('PAN_MALFORMED', text));
    }
  });

  it('is a PAN only with its check digit and without a 0 in front', () => {
    assert.throws(() => Pan.parse('4111111111111112'), refusal('PAN_MALFORMED'));
    assert.throws(() => Pan.parse('0000000000000000'), refusal('PAN_MALFORMED'));
    assert.equal(CardNumber.parseNumber('4327390068355738').hasCheckDigit, false);
    assert.equal(CardNumber.parseNumber(DIGITS).hasCheckDigit, true);
  });

  it('gets the one check digit that makes it a PAN', () => {
    const body = fc
      .integer({ min: 11, max: 18 })
      .chain((length) => fc.stringMatching(new RegExp(`^[1-9][0-9]{${length - 1}}$`)));
    fc.assert(
      fc.property(body, (digits) => {
        const pan = Pan.withCheckDigit(digits);
        assert.equal(pan.reveal().slice(0, -1), digits);
        const last = Number(pan.reveal().at(-1));
        for (let digit = 0; digit < 10; digit++) {
          const isRight = CardNumber.parseNumber(`${digits}${digit}`).hasCheckDigit;
          assert.equal(isRight, digit === last);
        }
      }),
    );
  });

  it('equals another one of the same digits', () => {
    const pan = Pan.parse(DIGITS);
    assert(pan.equals(CardNumber.parseNumber(DIGITS)));
    assert(!pan.equals(CardNumber.parseNumber('4111111111111112')));
  });
});

/** The refusal of a code whose facts do not repeat what was refused. */
function refusal(code: string, text?: string) {
  return (error: unknown) => {
    assert(error instanceof Refusal);
    assert.equal(error.code, code);
    if (text) assert(!JSON.stringify([error.message, error.facts]).includes(text));
    return true;
  };
}
