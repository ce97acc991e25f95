/**
 * Names of images, as people type them and as registries know them:
 *
 *     reference := [ registry "/" ] path { "/" path } [ ":" tag ] [ "@" digest ]
 *
 * The first part is a registry only if it has a dot, a colon or a capital in it, or is `localhost`:
 * that is what makes `alpine` short for `docker.io/library/alpine:latest`.
 *
 * The grammar is that of github.com/distribution/reference; OCI distribution-spec, "Pulling manifests"
 */
import { isDigest } from './digest.ts';
import { ImageError } from './image-error.ts';
import type { Digest } from './spec.ts';

export interface Reference {
  /** A host name or address, with the port if there is one: `docker.io`, `127.0.0.1:5000`. */
  registry: string;
  /** The path within it: `library/alpine`. */
  repository: string;
  /** Missing only where a digest is given without one. */
  tag?: string;
  digest?: Digest;
}

export const DOCKER_HUB = 'docker.io';
const OFFICIAL = 'library/';
const DEFAULT_TAG = 'latest';
const LONGEST_REPOSITORY = 255;

const LABEL = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const REPOSITORY = new RegExp(`^${PATH}(?:/${PATH})*$`);
const TAG = /^\w[\w.-]{0,127}$/;
/** What an image id looks like: as a name it could not be told from one. */
const ID = /^[a-f0-9]{64}$/;

/**
 * Reads a name and fills in what it leaves out: `docker.io`, `library/`, and the tag `latest` where
 * there is no digest either. Throws ImageError that says which part is wrong.
 */
export function parseReference(text: string): Reference {
  if (text === '') throw wrong(text, 'an image needs a name');
  const [named = '', digest, more] = text.split('@');
  if (more !== undefined) throw wrong(text, 'there is more than one @');
  if (digest !== undefined && !isDigest(digest)) {
    throw wrong(text, 'behind the @ belongs sha256: with 64 hexadecimal digits in lower case');
  }
  // A colon before a slash belongs to the port of a registry.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) {
    throw wrong(text, 'a tag is 1 to 128 letters, digits, _, . and -, and begins with none of . -');
  }
  const place = splitRegistry(name);
  check(text, place);
  const given = tag ?? (digest === undefined ? DEFAULT_TAG : undefined);
  return {
    ...place,
    ...(given === undefined ? {} : { tag: given }),
    ...(digest === undefined ? {} : { digest }),
  };
}

type Place = Pick<Reference, 'registry' | 'repository'>;

function splitRegistry(name: string): Place {
  const slash = name.indexOf('/');
  const first = name.slice(0, Math.max(slash, 0));
  const own = isRegistry(first);
  const registry = !own || first === 'index.docker.io' ? DOCKER_HUB : first;
  const path = own ? name.slice(slash + 1) : name;
  const official = registry === DOCKER_HUB && !path.includes('/');
  return { registry, repository: official ? `${OFFICIAL}${path}` : path };
}

const isRegistry = (first: string) => first === 'localhost' || /[.:A-Z]/.test(first);

function check(text: string, { registry, repository }: Place): void {
  if (ID.test(text)) throw wrong(text, 'it is an image id, not a name');
  if (!REGISTRY.test(registry)) throw wrong(text, `${registry} is no host name of a registry`);
  if (/[A-Z]/.test(repository)) throw wrong(text, 'a repository is written in lower case');
  if (!REPOSITORY.test(repository)) {
    const rule = 'lower-case letters and digits, with single . or _, a __ or any - between them';
    throw wrong(text, `each part of a repository is ${rule}`);
  }
  if (repository.length > LONGEST_REPOSITORY) {
    throw wrong(text, `a repository has at most ${LONGEST_REPOSITORY} characters`);
  }
}

const wrong = (text: string, why: string) =>
  new ImageError(JSON.stringify(text), `no image reference: ${why}`);

/** In full: `docker.io/library/alpine:latest`. Two references are the same if these are. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag ? `:${tag}` : ''}${digest ? `@${digest}` : ''}`;
}

/** As people write it, without what `parseReference` fills in, but with the tag: `alpine:latest`. */
export function shortReference(reference: Reference): string {
  if (reference.registry !== DOCKER_HUB) return formatReference(reference);
  const { repository } = reference;
  const rest = repository.startsWith(OFFICIAL) ? repository.slice(OFFICIAL.length) : repository;
  // library/a/b is not the same as a/b, and docker.io/a.b/c not the same as a.b/c.
  const short = rest.includes('/') ? repository : rest;
  const [first = '', ...further] = short.split('/');
  if (further.length > 0 && isRegistry(first)) return formatReference(reference);
  return formatReference({ ...reference, repository: short }).slice(DOCKER_HUB.length + 1);
}
