/**
 * Who one is to a registry: a name and a password, or an identity token in place of the password.
 * `docker login` leaves them in a file, per registry, or with a program that the file names.
 * docker-login(1), "Credential stores", "Credential helpers"
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../image-error.ts';
import { DOCKER_HUB } from '../reference.ts';
import { askHelper } from './credential-helper.ts';

export type Credentials = { username: string; password: string } | { identityToken: string };

export interface Entry {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
}

export interface Config {
  auths?: Record<string, Entry>;
  /** Helpers by registry, and the one for all others. */
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

/** The names that Docker Hub has in that file, the first from the time of the first protocol. */
const HUB_KEYS = ['https://index.docker.io/v1/', 'index.docker.io', 'registry-1.docker.io'];

/**
 * What `config.json` has for this registry, or null: the helper that it names for it, that for all,
 * and where that has nothing, its `auths`. The directory is `$DOCKER_CONFIG`, by default `~/.docker`.
 * Throws ImageError for a file that is there and cannot be read, and for a helper that fails.
 */
export async function readCredentials(
  registry: string,
  directory?: string,
): Promise<Credentials | null> {
  const path = configPath(directory);
  const config = await readConfig(path);
  const { auths = {} } = config;
  const keys = keysOf(registry);
  const { helper, server } = helperOf(config, registry);
  const kept = helper ? await askHelper(helper, server, path) : null;
  if (kept) return kept;
  for (const key of keys) {
    const entry = Object.entries(auths).find(([name]) => hostOf(name) === hostOf(key))?.[1];
    const found = entry && fromEntry(entry, `${path}: auths: ${key}`);
    if (found) return found;
  }
  return null;
}

export const configPath = (
  directory: string = process.env.DOCKER_CONFIG ?? join(homedir(), '.docker'),
): string => join(directory, 'config.json');

/** All names that a registry may have there; the first is the one to write. */
export const keysOf = (registry: string): string[] =>
  registry === DOCKER_HUB ? [...HUB_KEYS, registry] : [registry];

/** The helper for this registry, if there is one, and what it calls the registry. */
export function helperOf({ credHelpers = {}, credsStore }: Config, registry: string) {
  const keys = keysOf(registry);
  const own = keys.find((key) => Object.hasOwn(credHelpers, key));
  const helper = own === undefined ? credsStore : credHelpers[own];
  return { helper, server: own ?? keys[0] ?? registry };
}

/** Written by various clients as a host, or as an address with a version's path. */
export const hostOf = (key: string) => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

/** Empty where there is no file. Throws ImageError. */
export async function readConfig(path: string): Promise<Config> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Config;
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
