import { isIP } from 'node:net';
import { normalizeIp } from '@nestjs/throttler';

/** Whoever has one address of IPv6 has the 2^64 beside it too. */
const IPV6_NETWORK_BITS = 64;

/**
 * What a client is counted by: its IPv4 address, or its IPv6 network. Behind a proxy that is believed the address is
 * what the proxy says, so whatever is none counts as one client: nobody gets limits, or our memory, by inventing names.
 */
export function clientAddress(ip: string | undefined): string {
  const version = isIP(ip ?? '');
  if (version === 6) return normalizeIp(ip as string, IPV6_NETWORK_BITS);
  return version === 4 ? (ip as string) : 'unknown';
}
