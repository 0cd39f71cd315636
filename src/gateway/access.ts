import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { AppError } from '../core/errors.ts';

const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);

/** Whether an address is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host);
}

export interface AccessOptions {
  /** The address that is listened on. */
  host: string;
  apiKey: string | undefined;
}

export interface Access {
  /**
   * A page that has its own name point to this machine is kept out by the name it asks for, and one
   * that asks without it by the origin that its browser names.
   * @throws AppError `gateway.forbidden-host`, `gateway.forbidden-origin`
   */
  checkHost(headers: IncomingHttpHeaders): void;
  /** @throws AppError `gateway.unauthorized` */
  checkKey(headers: IncomingHttpHeaders): void;
}

/** @throws AppError `gateway.key-needed` for an address that others reach without a key */
export function createAccess({ host, apiKey }: AccessOptions): Access {
  if (apiKey === undefined && !isLoopback(host)) {
    throw new AppError('gateway.key-needed', `${host} is reached by others, and there is no key.`, {
      hint: 'Name the variable that holds the key as gateway.apiKeyEnv in the configuration, or listen on 127.0.0.1.',
    });
  }
  const names = new Set([...LOOPBACK_NAMES, nameOf(host)]);
  const isKnown = (authority: string): boolean => names.has(nameOf(authority));
  const expected = apiKey === undefined ? undefined : digest(apiKey);
  return {
    checkHost({ host: asked, origin }) {
      // Where others may ask, they ask by names that are not known here, and need the key.
      if (isLoopback(host) && !isKnown(asked ?? '')) {
        throw new AppError('gateway.forbidden-host', 'The Host header names another machine.', {
          hint: 'Ask for localhost or 127.0.0.1.',
        });
      }
      if (origin !== undefined && !isKnown(originHost(origin))) {
        throw new AppError('gateway.forbidden-origin', 'Pages of other origins may not ask.');
      }
    },
    checkKey(headers) {
      if (expected === undefined) return;
      const given = keyOf(headers);
      if (given !== undefined && timingSafeEqual(digest(given), expected)) return;
      throw new AppError('gateway.unauthorized', 'There is no API key, or a wrong one.', {
        hint: 'Send it as `Authorization: Bearer …` or `x-api-key`.',
      });
    },
  };
}

function keyOf(headers: IncomingHttpHeaders): string | undefined {
  const [, bearer] = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '') ?? [];
  const plain = headers['x-api-key'];
  return bearer ?? (typeof plain === 'string' ? plain : undefined);
}

/** Equal lengths, so that the comparison takes the same time for every key. */
function digest(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

/** Host of `host`, `host:port` or a bare IPv6 address, in brackets where it is one. */
function nameOf(authority: string): string {
  const lower = authority.toLowerCase();
  if (/^[^[]*:.*:/.test(lower)) return `[${lower}]`;
  return lower.replace(/:\d*$/, '');
}

function originHost(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}
