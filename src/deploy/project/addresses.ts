import { BlockList, isIP } from 'node:net';

/** Two subnets of one length are equal if one contains the other's address: the engine clears the host bits. */
export function isSameSubnet(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const [[address = '', length = ''], [other = '', otherLength = '']] = [a.split('/'), b.split('/')];
  if (length !== otherLength || isIP(address) === 0 || isIP(address) !== isIP(other)) return a === b;
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(address, Number(length), family);
  return list.check(other, family);
}

/** Compares addresses in any notation: `fd00::1` equals `fd00:0::1`. */
export function isSameAddress(a: string | undefined, b: string | undefined): boolean {
  // Engines report the gateway of an IPv6 network with or without a prefix length.
  const [one, other] = [a, b].map((address) => address?.split('/')[0]);
  if (one === undefined || other === undefined) return one === other;
  return isSameSubnet(`${one}/${isIP(one) === 6 ? 128 : 32}`, `${other}/${isIP(other) === 6 ? 128 : 32}`);
}
