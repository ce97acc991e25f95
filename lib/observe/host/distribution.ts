/**
 * Which distribution this is, for the sake of advice: what its package manager is called, and which
 * of its packages carries a tool.
 *
 * os-release(5)
 */
import { orNull, readProcFile } from '../proc-file.ts';
import type { ToolName } from './tools.ts';

export type PackageManager = 'apt' | 'dnf' | 'apk' | 'pacman' | 'zypper';

export type Distribution = { id: string; name: string; packages: PackageManager | null };

const FAMILY: Record<string, PackageManager> = {
  debian: 'apt',
  ubuntu: 'apt',
  fedora: 'dnf',
  rhel: 'dnf',
  centos: 'dnf',
  alpine: 'apk',
  arch: 'pacman',
  suse: 'zypper',
  opensuse: 'zypper',
};

const COMMAND: Record<PackageManager, string> = {
  apt: 'apt-get install',
  dnf: 'dnf install',
  apk: 'apk add',
  pacman: 'pacman -S',
  zypper: 'zypper install',
};

/** Packages whose name differs from the first, which is most distributions'. */
const PACKAGE: Record<ToolName, Partial<Record<PackageManager, string>> & { usual: string }> = {
  bash: { usual: 'bash' },
  ip: { usual: 'iproute2', dnf: 'iproute' },
  ldd: { usual: 'glibc', apt: 'libc-bin', dnf: 'glibc-common', apk: 'musl-utils' },
  mount: { usual: 'util-linux', apt: 'mount' },
  nft: { usual: 'nftables' },
  nsenter: { usual: 'util-linux', apk: 'util-linux-misc' },
  ping: { usual: 'iputils', apt: 'iputils-ping', apk: 'iputils-ping' },
  ps: { usual: 'procps', dnf: 'procps-ng', apk: 'procps-ng', pacman: 'procps-ng' },
  sysctl: { usual: 'procps', dnf: 'procps-ng', apk: 'procps-ng', pacman: 'procps-ng' },
  runc: { usual: 'runc' },
  tmux: { usual: 'tmux' },
  unshare: { usual: 'util-linux', apk: 'util-linux-misc' },
};

export function readDistribution(): Distribution {
  const texts = ['/etc/os-release', '/usr/lib/os-release'].map((path) =>
    orNull(() => readProcFile(path)),
  );
  return parseOsRelease(texts.find((text) => text !== null) ?? '');
}

/** From the text of os-release; ID_LIKE decides where ID is not known here. */
export function parseOsRelease(text: string): Distribution {
  const value = (name: string) => new RegExp(`^${name}=(["']?)(.*)\\1$`, 'm').exec(text)?.[2] ?? '';
  const known = [value('ID'), ...value('ID_LIKE').split(' ')].find((id) => id in FAMILY);
  return {
    id: value('ID') || 'linux',
    name: value('PRETTY_NAME') || value('NAME') || 'Linux',
    packages: known ? (FAMILY[known] ?? null) : null,
  };
}

/** The command that installs a tool here, or what to look for where the distribution is unknown. */
export function installCommand({ packages }: Distribution, tool: ToolName): string {
  const { usual, ...special } = PACKAGE[tool];
  if (!packages) return `install ${tool} (most distributions have it in a package ${usual})`;
  return `sudo ${COMMAND[packages]} ${special[packages] ?? usual}`;
}
