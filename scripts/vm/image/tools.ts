/** The programs that build images, each with Debian's package for it. */
import { findCommand } from '../../../lib/observe/command.ts';
import type { Arch } from './arch.ts';
import { ImageError } from './image-error.ts';

const PACKAGE = {
  'apt-get': 'apt',
  getcap: 'libcap2-bin',
  mcopy: 'mtools',
  mke2fs: 'e2fsprogs',
  'mkfs.fat': 'dosfstools',
  mmdebstrap: 'mmdebstrap',
  npm: 'npm',
  sh: 'dash',
  'qemu-img': 'qemu-utils',
  sha256sum: 'coreutils',
  tar: 'tar',
  xz: 'xz-utils',
} as const;

export type Tool = keyof typeof PACKAGE;

const ALWAYS = [
  'mmdebstrap',
  'apt-get',
  'npm',
  'tar',
  'sha256sum',
  'getcap',
  'mke2fs',
  'qemu-img',
] as const;

/** What a build from nothing calls. */
export const BOX_TOOLS: Record<Arch, readonly Tool[]> = {
  amd64: [...ALWAYS, 'xz'],
  arm64: [...ALWAYS, 'mkfs.fat', 'mcopy'],
};

/** Throws ImageError that names every one that is missing, and the packages to install. */
export function requireTools(tools: readonly Tool[]): void {
  const missing = tools.filter((tool) => findCommand(tool) === null);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => PACKAGE[tool]))].join(' ');
  throw new ImageError(`not installed: ${missing.join(', ')}`, {
    remedy: `on Debian or Ubuntu: sudo apt-get install ${packages}`,
  });
}
