/**
 * A Debian of the guest's packages, as a tar archive: mmdebstrap(1) resolves, unpacks and
 * configures them with the host's apt. It runs as root, or in a user namespace for who is not.
 *
 * The archive is named by the package list and the scripts. Which versions the packages have is up
 * to the mirror on the day of the build.
 */

import { readFile } from 'node:fs/promises';
import { cached, inputHash } from '../cache.ts';
import type { Say } from './arch.ts';
import { DPKG_OPTIONS } from './dpkg-options.ts';
import { debianMirrors } from './mirrors.ts';
import { type GuestWish, guestPackages, SUITE } from './packages.ts';
import { runTool } from './run-tool.ts';

/** Of everything made for the guest: 2025-01-01T00:00:00Z, in seconds. */
export const SOURCE_DATE_EPOCH = 1735689600;

/** The root filesystem is known by this name to its boot loader, wherever its disk is. */
export const ROOT_UUID = '75b0ced0-1ab5-4c0d-8e57-0123456789ab';

const CUSTOMIZE = new URL('../../../vagrant/guest/debian.sh', import.meta.url);

/**
 * For root too: it stays root, but its mounts are in a namespace of their own, and so gone with it
 * however it ends.
 */
const MODE = ['--mode=unshare', '--format=tar'];

const DEBCONF = 'grub-pc grub-pc/install_devices_empty boolean true';

/** Names the archive by what it is made from. */
export async function debianId(wish: GuestWish): Promise<string> {
  return inputHash([SUITE, String(SOURCE_DATE_EPOCH), ...(await mmdebstrapOptions(wish))]);
}

/** Finds the archive or makes it, in about two minutes. Throws ImageError. */
export async function ensureDebian(
  wish: GuestWish,
  say: Say,
  signal?: AbortSignal,
): Promise<{ tar: string; id: string }> {
  const { arch, engines } = wish;
  const id = await debianId(wish);
  const tar = await cached(`debian-${arch}-${id}.tar`, async (path) => {
    say(`Debian ${SUITE} for ${arch}: about ${engines ? 300 : 200} MB to download`);
    const options = await mmdebstrapOptions(wish);
    const mirrors = await debianMirrors();
    await runTool('mmdebstrap', [...MODE, ...options, SUITE, path, ...mirrors], {
      // The initrd is made once, by CUSTOMIZE, not by the kernel's package and again by a trigger.
      env: { SOURCE_DATE_EPOCH: String(SOURCE_DATE_EPOCH), INITRD: 'No' },
      remedy: 'it needs the network, a mirror of Debian, and root or subordinate ids (subuid(5))',
      signal,
    });
  });
  return { tar, id };
}

async function mmdebstrapOptions(wish: GuestWish): Promise<string[]> {
  const customize = `export ROOT_UUID=${ROOT_UUID}\n${await readFile(CUSTOMIZE, 'utf8')}`;
  return [
    '--variant=minbase',
    `--architectures=${wish.arch}`,
    `--include=${guestPackages(wish).join(',')}`,
    '--aptopt=Acquire::Languages "none"',
    ...DPKG_OPTIONS.map((option) => `--dpkgopt=${option}`),
    `--essential-hook=echo ${DEBCONF} | chroot "$1" debconf-set-selections`,
    // As text, not as a file: in a user namespace the checkout need not be readable.
    `--customize-hook=chroot "$1" sh -c ${quote(customize)}`,
  ];
}

/** One word for sh(1). */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
