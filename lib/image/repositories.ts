/**
 * Names of images, in one small file: `repositories.json`, by repository as Docker has it.
 */
import { isDigest } from './digest.ts';
import { formatReference, parseReference } from './reference.ts';
import { readSealed, writeSealed } from './sealed-file.ts';
import type { Digest } from './spec.ts';

/** Names in full, `docker.io/library/alpine:latest`, and the image of each. */
export type Names = Map<string, Digest>;

type Repositories = Record<string, Record<string, string>>;

/** Throws ImageError where the file is damaged. */
export function readNames(path: string): Names {
  const found = readSealed<Repositories>(
    path,
    'Repositories',
    'remove it and tag the images again',
  );
  const names = Object.values(found ?? {}).flatMap((repository) => Object.entries(repository));
  return new Map(names.filter((name): name is [string, Digest] => isDigest(name[1])));
}

/** To be called by who holds the store's lock. */
export function writeNames(path: string, names: Names): void {
  const repositories: Repositories = {};
  for (const name of [...names.keys()].sort()) {
    const { registry, repository } = parseReference(name);
    const key = `${registry}/${repository}`;
    repositories[key] = { ...repositories[key], [name]: names.get(name) as Digest };
  }
  writeSealed(path, 'Repositories', repositories);
}

/** The one spelling under which a name is kept. Throws ImageError for what is no name. */
export const fullName = (name: string): string => formatReference(parseReference(name));
