import type { ServerConfig } from './schema.ts';

/** Private addresses (RFC 1918, 4193, 3927) and names that no public resolver knows. */
const PRIVATE =
  /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|169\.254\.|\[f[cd]|\[fe80)|\.(local|internal|lan|home\.arpa|test)$/i;

/** Whether an address is this machine's. */
export function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

/**
 * Whether a server runs on a machine of the user's own, from which no invoice comes: it says so
 * with `private`, or it has an address that only a network of one's own has.
 */
export function isOwnMachine(server: ServerConfig): boolean {
  if (server.kind === 'anthropic') return false;
  const { hostname } = new URL(server.url);
  const isNamedWithin = !hostname.includes('.') && !hostname.startsWith('[');
  return server.private ?? (isLoopback(server.url) || isNamedWithin || PRIVATE.test(hostname));
}
