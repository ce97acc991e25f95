/**
 * Logging in and out: credentials are tried at the registry, and only what it takes is kept, where
 * readCredentials looks for it. Everything else in that file stays as it is.
 *
 * docker-login(1); distribution-spec, "Determining Support"
 */
import { writeAtomic } from '../atomic-file.ts';
import { clearHelper, tellHelper } from './credential-helper.ts';
import { configPath, helperOf, hostOf, keysOf, readConfig } from './credentials.ts';
import { endpointOf } from './endpoint.ts';
import { openRepository, type RegistryOptions } from './repository.ts';

export interface Account {
  username: string;
  password: string;
}

/** Throws RegistryError where the registry does not take them. */
export async function tryCredentials(
  registry: string,
  credentials: Account,
  options: Omit<RegistryOptions, 'credentials'> = {},
): Promise<void> {
  const at = openRepository({ registry, repository: '' }, 'pull', { ...options, credentials });
  const url = new URL('/v2/', endpointOf(registry, options.plainHttp));
  const response = await at.call(url, { where: registry });
  await response.body?.cancel();
}

/** Returns where they are: the file's path, or the name of the helper that has them. */
export async function keepCredentials(
  registry: string,
  account: Account,
  directory?: string,
): Promise<string> {
  const path = configPath(directory);
  const config = await readConfig(path);
  const { helper, server } = helperOf(config, registry);
  if (helper) {
    await tellHelper(helper, server, account, path);
    return `docker-credential-${helper}`;
  }
  const auth = Buffer.from(`${account.username}:${account.password}`).toString('base64');
  const others = entriesOfOthers(config.auths, registry);
  const auths = { ...Object.fromEntries(others), [keysOf(registry)[0] ?? registry]: { auth } };
  writeConfig(path, { ...config, auths });
  return path;
}

/** Whether there were any. */
export async function forgetCredentials(registry: string, directory?: string): Promise<boolean> {
  const path = configPath(directory);
  const config = await readConfig(path);
  const { helper, server } = helperOf(config, registry);
  if (helper) await clearHelper(helper, server, path);
  const others = entriesOfOthers(config.auths, registry);
  const had = others.length < Object.keys(config.auths ?? {}).length;
  if (had) writeConfig(path, { ...config, auths: Object.fromEntries(others) });
  return had || helper !== undefined;
}

function entriesOfOthers<T>(auths: Record<string, T> | undefined, registry: string) {
  const hosts = keysOf(registry).map(hostOf);
  return Object.entries(auths ?? {}).filter(([key]) => !hosts.includes(hostOf(key)));
}

const writeConfig = (path: string, config: object): void =>
  writeAtomic(path, `${JSON.stringify(config, null, '\t')}\n`);
