import { BlockList, isIP } from 'node:net';
import type { Networks } from '../usecase/ports.ts';

/** IPv4 as IPv6 sockets show it (RFC 4291, 2.5.5.2). */
const MAPPED_PREFIX = '::ffff:';

/** How many lists are kept ready; there is one for each client that has any. */
const KEPT_MAX = 10_000;

/** Networks by Node's own matcher. */
export function makeNetworks(): Networks {
  const kept = new Map<string, BlockList>();

  function listOf(networks: readonly string[]): BlockList {
    const name = networks.join(' ');
    const known = kept.get(name) ?? makeList(networks);
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(name, known);
    return known;
  }

  return {
    isNetwork: (text) => parseNetwork(text) !== undefined,
    includes(networks, address) {
      const plain = address.startsWith(MAPPED_PREFIX)
        ? address.slice(MAPPED_PREFIX.length)
        : address;
      const family = isIP(plain);
      return family !== 0 && listOf(networks).check(plain, family === 4 ? 'ipv4' : 'ipv6');
    },
  };
}

interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. */
function parseNetwork(text: string): Network | undefined {
  const [address = '', prefixText, ...more] = text.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  if (bits === 0 || more.length > 0 || address.includes('%')) return undefined;
  if (prefixText !== undefined && !/^[0-9]{1,3}$/.test(prefixText)) return undefined;
  const prefix = prefixText === undefined ? bits : Number(prefixText);
  if (prefix > bits) return undefined;
  return { address, prefix, family: bits === 32 ? 'ipv4' : 'ipv6' };
}

function makeList(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    // What is no network was refused when it was registered; edited by hand it lets nobody in.
    if (network !== undefined) list.addSubnet(network.address, network.prefix, network.family);
  }
  return list;
}
