/**
 * One image for several machines: an index lists a manifest per platform, and one of them is for
 * this one. ARM's variants are versions, and a processor runs what is made for an older one.
 *
 * OCI image-spec, image-index.md, "platform.variant"; Go's GOARCH names the architectures
 */
import { arch, endianness } from 'node:os';
import { ImageError } from '../image-error.ts';
import type { Descriptor, Index, Platform } from '../spec.ts';

/** Node's names, where Go's are others. */
const GOARCH: Record<string, string> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: endianness() === 'LE' ? 'ppc64le' : 'ppc64',
  mipsel: 'mipsle',
};

/** The platform that programs of this machine are for. */
export function hostPlatform(): Platform {
  const name = arch();
  if (name !== 'arm') return { os: 'linux', architecture: GOARCH[name] ?? name };
  const version = (process.config.variables as { arm_version?: string }).arm_version ?? '7';
  return { os: 'linux', architecture: 'arm', variant: `v${version}` };
}

/** Reads `linux/arm64`, `linux/arm/v6` or an architecture alone. Throws ImageError. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/');
  if (parts.length > 3 || parts.some((part) => !/^[A-Za-z0-9_.-]+$/.test(part))) {
    const remedy = 'write it like linux/amd64 or linux/arm/v7';
    throw new ImageError(JSON.stringify(text), 'no platform', { remedy });
  }
  const [first = '', second, variant] = parts;
  if (second === undefined) return { os: 'linux', architecture: GOARCH[first] ?? first };
  return { os: first, architecture: second, ...(variant === undefined ? {} : { variant }) };
}

export const formatPlatform = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, variant].filter((part) => part !== undefined && part !== '').join('/');

/**
 * The manifest for that platform, the nearest variant if there are several. One that says nothing of
 * its platform is taken if it is the only one. Throws ImageError that says which there are.
 */
export function pickPlatform(index: Index, wanted: Platform, where: string): Descriptor {
  const ranked = index.manifests
    .map((entry) => ({ entry, rank: rankOf(entry.platform, wanted) }))
    .filter(({ rank }) => rank >= 0)
    .sort((a, b) => b.rank - a.rank);
  const [best] = ranked;
  if (best) return best.entry;
  const [only, ...others] = index.manifests;
  if (only && !only.platform && others.length === 0) return only;
  const there = index.manifests
    .map(({ platform }) => (platform ? formatPlatform(platform) : 'one that does not say'))
    // What is no image for any machine, but a statement about one, is listed like this.
    .filter((name) => !name.startsWith('unknown'));
  const what = `nothing for ${formatPlatform(wanted)}`;
  const remedy = there.length === 0 ? undefined : `there is ${[...new Set(there)].join(', ')}`;
  throw new ImageError(where, what, remedy === undefined ? {} : { remedy });
}

/** Below zero when it does not run there; of those that do, the highest is the nearest. */
function rankOf(platform: Platform | undefined, wanted: Platform): number {
  if (platform?.os !== wanted.os || platform.architecture !== wanted.architecture) return -1;
  const [offered, most] = [variantOf(platform), variantOf(wanted)];
  if (offered === most) return Number.MAX_SAFE_INTEGER;
  const [version, newest] = [offered, most].map((name) => Number(/^v(\d+)$/.exec(name)?.[1]));
  if (version === undefined || newest === undefined) return -1;
  return version <= newest ? version : -1;
}

/** What is meant where none is given. */
const UNSAID: Record<string, string> = { arm: 'v7', arm64: 'v8', amd64: 'v1' };

const variantOf = ({ architecture, variant }: Platform) => variant || (UNSAID[architecture] ?? '');
