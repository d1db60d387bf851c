import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CANARY_PAN, CANARY_TEXT, demandRefusal, jsonRoutes } from '../harness/routes.ts';
import { startService } from '../harness/service.ts';

const tests = await startService();
const { send, registry, issuer } = tests;
registry.add(CANARY_PAN);

const deep = (open: string, close: string, count: number) =>
  open.repeat(count) + close.repeat(count);
const escaped = (text: string) =>
  [...text].map((each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');

/** Bodies that are wrong whatever the route, and the code each has to get. */
const BODIES: Readonly<Record<string, readonly [string | Buffer, string]>> = {
  'nothing at all': ['', 'BODY_NOT_JSON'],
  'only spaces': ['   ', 'BODY_NOT_JSON'],
  'no JSON': [`pan=${CANARY_PAN}`, 'BODY_NOT_JSON'],
  'half of a JSON object': [`{"cardNumber":"${CANARY_PAN}"`, 'BODY_NOT_JSON'],
  'two JSON objects': [`{"cardNumber":"${CANARY_PAN}"}{}`, 'BODY_NOT_JSON'],
  'a comma too many': [`{"cardNumber":"${CANARY_PAN}",}`, 'BODY_NOT_JSON'],
  'a comment': [`{/*${CANARY_TEXT}*/}`, 'BODY_NOT_JSON'],
  'single quotes': [`{'pan':'${CANARY_PAN}'}`, 'BODY_NOT_JSON'],
  NaN: ['{"organizationNumber":NaN}', 'BODY_NOT_JSON'],
  'a byte order mark': [`\ufeff{"pan":"${CANARY_PAN}"}`, 'BODY_NOT_JSON'],
  'a raw line end in a string': [`{"pan":"${CANARY_PAN}\n"}`, 'BODY_NOT_JSON'],
  'a raw NUL': [`{"pan":"${CANARY_PAN}\u0000"}`, 'BODY_NOT_JSON'],
  'a byte that is no UTF-8': [
    Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    'BODY_NOT_JSON',
  ],
  'an overlong UTF-8 digit': [Buffer.from([0x22, 0xc0, 0xb1, 0x22]), 'BODY_NOT_JSON'],
  'UTF-16': [Buffer.from(`{"pan":"${CANARY_PAN}"}`, 'utf16le'), 'BODY_NOT_JSON'],
  'a list': [`["${CANARY_PAN}"]`, 'REQUEST_INVALID'],
  'an empty list': ['[]', 'REQUEST_INVALID'],
  null: ['null', 'REQUEST_INVALID'],
  true: ['true', 'REQUEST_INVALID'],
  'a string': [`"${CANARY_PAN}"`, 'REQUEST_INVALID'],
  'a number': [CANARY_PAN, 'REQUEST_INVALID'],
  'an empty object': ['{}', 'REQUEST_INVALID'],
  'a key twice': [`{"cardNumber":"${CANARY_PAN}","cardNumber":"1"}`, 'BODY_DUPLICATE_KEY'],
  'a key twice with one value': [`{"a":"${CANARY_PAN}","a":"${CANARY_PAN}"}`, 'BODY_DUPLICATE_KEY'],
  'a key twice, once in escapes': [`{"pan":"1","${escaped('pan')}":"2"}`, 'BODY_DUPLICATE_KEY'],
  'a key twice, deeper down': ['{"x":[{"y":{"z":1,"z":1}}]}', 'BODY_DUPLICATE_KEY'],
  'an empty key twice': ['{"":1,"":1}', 'BODY_DUPLICATE_KEY'],
  '__proto__ twice': ['{"__proto__":1,"__proto__":1}', 'BODY_DUPLICATE_KEY'],
  'a key twice with colons and quotes in it': ['{"a\\":":1,"a\\":":1}', 'BODY_DUPLICATE_KEY'],
  '100,000 brackets': [deep('[', ']', 100_000), 'BODY_TOO_DEEP'],
  '100,000 objects in one another': [
    `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`,
    'BODY_TOO_DEEP',
  ],
  'a million brackets that never close': ['['.repeat(1_000_000), 'BODY_NOT_JSON'],
  'more than 1 MiB': [`{"pan":"${CANARY_PAN}${'0'.repeat(1024 * 1024)}"}`, 'BODY_TOO_LARGE'],
};

describe('a body', () => {
  for (const [name, [body, code]] of Object.entries(BODIES)) {
    it(`of ${name} is refused at every route by ${code}`, async () => {
      for (const route of jsonRoutes(tests)) {
        const request = { ...route, headers: await route.headers(), body };
        const found = demandRefusal(await send(request), route.face, request);
        // What is no object has no organization number either, and that has a code of its own.
        const isObject = ['VPL5SCI01E', 'VPL5SPR01E', 'ORGANIZATION_NUMBER_INVALID'].includes(
          found,
        );
        if (!isObject || code !== 'REQUEST_INVALID') assert.equal(found, code, route.path);
      }
    });
  }
});

/** What is put into good fields to make them wrong. */
const SPOILERS: Readonly<
  Record<string, (name: string, value: unknown) => Record<string, unknown>>
> = {
  'a field that is not known': () => ({ [CANARY_TEXT]: CANARY_PAN }),
  'a field with the name of a number': () => ({ [CANARY_PAN]: 1 }),
  'a security code': () => ({ cvv2: '123', securitycode: '123', track2: `${CANARY_PAN}=3011` }),
  'a __proto__ field': () => JSON.parse(`{"__proto__":{"cardNumber":"${CANARY_PAN}"}}`),
  'a constructor field': () => ({ constructor: { prototype: { pciCertified: true } } }),
  'a toString field': () => ({ toString: CANARY_TEXT }),
  'the number as a list': (name, value) => ({ [name]: [value] }),
  'the number as an object': (name, value) => ({ [name]: { value } }),
  'the number as true': (name) => ({ [name]: true }),
  'no number': (name) => ({ [name]: null }),
  'a number of a megabyte': (name) => ({ [name]: '5'.repeat(900_000) }),
  'full-width digits': (name, value) => ({ [name]: String(value).replace(/^5/, '５') }),
  'Arabic-Indic digits': (name, value) => ({ [name]: String(value).replace(/^5/, '٥') }),
  'a NUL behind the number': (name, value) => ({ [name]: `${value}\u0000` }),
  'a NUL within the number': (name, value) => ({ [name]: `${String(value).slice(0, 15)}\u0000` }),
  'a line end behind the number': (name, value) => ({ [name]: `${value}\n` }),
  'a space in front of the number': (name, value) => ({ [name]: ` ${value}` }),
  'hyphens in the number': (name, value) => ({
    [name]: String(value).replace(/(....)(?=.)/g, '$1-'),
  }),
  'a lone surrogate': (name) => ({ [name]: '\ud800' }),
  'a zero-width space in the number': (name, value) => ({ [name]: `${value}\u200b` }),
  'a plus sign': (name, value) => ({ [name]: `+${value}` }),
};

describe('good fields', () => {
  it('are taken at every route, or the rest of this file shows nothing', async () => {
    for (const route of jsonRoutes(tests)) {
      const body = JSON.stringify(await route.fields());
      const reply = await send({ ...route, headers: await route.headers(), body });
      assert.equal(reply.status, 200, `${route.path} ${reply.text}`);
    }
  });

  for (const [name, spoil] of Object.entries(SPOILERS)) {
    it(`with ${name} are refused at every route`, async () => {
      for (const route of jsonRoutes(tests)) {
        const isBatch = route.path === '/v1/account-changes'; // Answered line by line.
        if (isBatch && name.includes('number')) continue;
        const fields = await route.fields();
        const spoilt = { ...fields, ...spoil(route.numberField, fields[route.numberField]) };
        // JSON.stringify leaves out a __proto__ that is a prototype; here it is a field.
        const body = JSON.stringify(Object.fromEntries(Object.entries(spoilt)));
        const request = { ...route, headers: await route.headers(), body };
        demandRefusal(await send(request), route.face, request);
      }
    });
  }

  it('with the card number as a JSON number are refused, and the number is not repeated', async () => {
    for (const route of jsonRoutes(tests)) {
      const body = JSON.stringify(await route.fields()).replace(/"(\d{16})"/, '$1');
      const request = { ...route, headers: await route.headers(), body };
      const reply = await send(request);
      if (route.face === 'problem' && reply.status === 200) {
        assert.doesNotMatch(reply.text, /\d{16}/);
      } else demandRefusal(reply, route.face, request);
    }
  });

  it('of which any one is missing are refused, and it is named', async () => {
    for (const route of jsonRoutes(tests)) {
      const fields = await route.fields();
      const optional = ['cardSequence', 'functionType', 'embossedName1'];
      for (const name of Object.keys(fields).filter((each) => !optional.includes(each))) {
        const body = JSON.stringify({ ...fields, [name]: undefined });
        const request = { ...route, headers: await route.headers(), body };
        demandRefusal(await send(request), route.face, request);
      }
    }
  });
});

describe('a card', () => {
  it('is not created by a request that was refused', async () => {
    const before = tests.rows('select count(*) as n from card_number');
    for (const [body] of Object.values(BODIES)) {
      const headers = await issuer.headers();
      await send({ method: 'POST', path: '/cards/embosser/l8vf', headers, body });
    }
    assert.deepEqual(tests.rows('select count(*) as n from card_number'), before);
  });

  it('may have names with every letter there is', async () => {
    const names = [
      'JOSÉ ÑANDÚ',
      '李小龍',
      "O'BRIEN; drop table card",
      '\u{1f600}',
      '\ud800',
      '\u0000',
    ];
    for (const embossedName1 of names) {
      const token = (await issuer.create({ embossedName1 })).data.cardNumber;
      const { data } = await issuer.act({ cardNumber: token, cardAction: 2 });
      assert.equal(data.embosserName1, embossedName1);
    }
  });
});
