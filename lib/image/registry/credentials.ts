/**
 * Who one is to a registry: a name and a password, or an identity token in place of the password.
 * `docker login` leaves them in a file, per registry. docker-login(1), "Credential stores"
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../image-error.ts';
import { DOCKER_HUB } from '../reference.ts';

export type Credentials = { username: string; password: string } | { identityToken: string };

interface Entry {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
}

/** The name that Docker Hub has in that file, from the time of the first protocol. */
const HUB_KEYS = ['https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io'];

/**
 * What `auths` in `config.json` has for this registry, or null. The directory is `$DOCKER_CONFIG`,
 * by default `~/.docker`. Credential helpers are not asked. Throws ImageError for a file that is
 * there and cannot be read.
 */
export async function readCredentials(
  registry: string,
  directory: string = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker'),
): Promise<Credentials | null> {
  const path = join(directory, 'config.json');
  const auths = await readAuths(path);
  const keys = registry === DOCKER_HUB ? [...HUB_KEYS, registry] : [registry];
  for (const key of keys) {
    const entry = Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
    const found = entry && fromEntry(entry, `${path}: auths: ${key}`);
    if (found) return found;
  }
  return null;
}

/** Written by various clients as a host, or as an address with a version's path. */
const hostOf = (key: string) => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

async function readAuths(path: string): Promise<Record<string, Entry>> {
  try {
    const { auths } = JSON.parse(await readFile(path, 'utf8')) as { auths?: Record<string, Entry> };
    return auths ?? {};
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new ImageError(path, `not readable: ${(cause as Error).message}`, { cause });
  }
}

function fromEntry(entry: Entry, where: string): Credentials | null {
  if (entry.identitytoken) return { identityToken: entry.identitytoken };
  if (entry.auth) {
    const text = Buffer.from(entry.auth, 'base64').toString();
    const colon = text.indexOf(':');
    if (colon < 0) throw new ImageError(where, 'auth is not base64 of name:password');
    return { username: text.slice(0, colon), password: text.slice(colon + 1) };
  }
  const { username, password } = entry;
  return username !== undefined && password !== undefined ? { username, password } : null;
}

export const basicAuthorization = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
