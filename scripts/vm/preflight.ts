/**
 * What keeps a host from running the machines, from facts alone, each with what to do about it in
 * the words of the host's package manager. host-facts.ts finds the facts.
 */
import type { Arch } from './image/arch.ts';

export type Packages = 'apt' | 'dnf' | 'pacman' | 'zypper' | 'apk' | 'brew' | 'winget';

export interface HostFacts {
  /** As in `process.platform`. */
  platform: string;
  arch: Arch | null;
  packages: Packages | null;
  root: boolean;
  /** Vagrant's version; null: there is none. */
  vagrant: string | null;
  virtualbox: boolean;
  libvirt: {
    /** Vagrant's plugin. */
    plugin: boolean;
    /** Programs of libvirt and QEMU that are missing. */
    missing: string[];
    /** One that answers, one of our own to be started, or why there is none. */
    state: { kind: 'system' } | { kind: 'own' } | { kind: 'none'; why: string };
    systemd: boolean;
    /** Whether the user may use the system's libvirt without being asked. */
    inGroup: boolean;
  };
  /** What else is not installed of what is called: rsync, ssh … */
  missing: string[];
  /** VAGRANT_DEFAULT_PROVIDER, or whose the machine is already. */
  provider: string | null;
  /** Bytes free where disks and boxes go. */
  free: { path: string; bytes: number };
  /** Whether the machine has been made, and takes no more room. */
  made: boolean;
  box: { kind: 'own' | 'file' | 'public'; name: string };
  /** Null where libvirt is not the provider. */
  kvm: { works: boolean; why: string } | null;
  /** Intel's or AMD's extension among the processor's flags; null where that is not known. */
  virtualization: boolean | null;
}

export interface Finding {
  what: string;
  remedy: string;
}

export interface Preflight {
  /** Vagrant's name of it; null where there is none to be had. */
  provider: string | null;
  /** Any of these keeps the machines from running. */
  problems: Finding[];
  notes: Finding[];
}

/** Box, its copy in Vagrant's keeping and libvirt's, and a disk that has grown somewhat. */
export const ROOM_BYTES = 6 * 2 ** 30;

export function preflight(facts: HostFacts): Preflight {
  const provider = chooseProvider(facts);
  const problems = [
    ...lookAtPrograms(facts),
    ...(provider === null ? lookAtProviders(facts) : []),
    ...(provider === 'libvirt' ? lookAtLibvirt(facts) : []),
    ...lookAtRoom(facts),
    ...lookAtNetwork(facts, provider),
  ];
  return { provider, problems, notes: provider === 'libvirt' ? lookAtProcessor(facts) : [] };
}

/** On Linux libvirt before VirtualBox, which cannot share the processor's extension with it. */
function chooseProvider({ provider, platform, virtualbox, libvirt }: HostFacts): string | null {
  if (provider) return provider;
  const usable = libvirt.plugin && libvirt.missing.length === 0;
  if (platform === 'linux' && usable && libvirt.state.kind !== 'none') return 'libvirt';
  if (virtualbox) return 'virtualbox';
  return platform === 'linux' && usable ? 'libvirt' : null;
}

function lookAtPrograms({ vagrant, missing, packages, platform }: HostFacts): Finding[] {
  const found = missing.map((name) => ({
    what: `${name} is not installed`,
    remedy: install(packages, {
      usual: name,
      apt: DEBIAN[name] ?? name,
      winget: WINGET[name] ?? name,
    }),
  }));
  if (vagrant !== null) return found;
  const remedy = install(packages, {
    usual: 'vagrant',
    brew: '--cask vagrant',
    winget: 'Hashicorp.Vagrant',
  });
  const elsewhere = 'or from https://developer.hashicorp.com/vagrant/install';
  return [{ what: 'Vagrant is not installed', remedy: `${remedy} ${elsewhere}` }, ...found].map(
    (each) =>
      platform === 'win32' ? { ...each, remedy: `${each.remedy}, then open a new window` } : each,
  );
}

const DEBIAN: Record<string, string> = { ssh: 'openssh-client' };
const WINGET: Record<string, string> = { ssh: 'Microsoft.OpenSSH.Preview' };

function lookAtProviders({ platform, packages, libvirt, arch }: HostFacts): Finding[] {
  const virtualbox = install(packages, {
    usual: 'virtualbox',
    brew: '--cask virtualbox',
    winget: 'Oracle.VirtualBox',
  });
  if (platform !== 'linux') {
    const parallel = platform === 'darwin' && arch === 'arm64';
    const also = parallel ? ' (7.1 or later on Apple silicon)' : '';
    return [
      { what: 'there is nothing that runs virtual machines', remedy: `${virtualbox}${also}` },
    ];
  }
  const lacks = [
    ...(libvirt.plugin ? [] : ['the plugin vagrant-libvirt']),
    ...libvirt.missing.map((name) => `the program ${name}`),
  ];
  const what = `there is neither VirtualBox nor libvirt with Vagrant's plugin (of libvirt there lacks ${lacks.join(', ')})`;
  return [{ what, remedy: installLibvirt(packages) }];
}

function installLibvirt(packages: Packages | null): string {
  const plugin = ' && vagrant plugin install vagrant-libvirt';
  switch (packages) {
    case 'apt':
      return 'sudo apt-get install --no-install-recommends vagrant-libvirt libvirt-daemon-system libvirt-clients qemu-system-x86 qemu-utils dnsmasq-base iptables';
    case 'dnf':
      return 'sudo dnf install vagrant-libvirt libvirt-daemon-kvm libvirt-client';
    case 'pacman':
      return `sudo pacman -S libvirt qemu-base dnsmasq iptables-nft${plugin}`;
    case 'zypper':
      return `sudo zypper install libvirt libvirt-devel qemu-kvm dnsmasq${plugin}`;
    case 'apk':
      return `sudo apk add libvirt-daemon libvirt-client qemu-system-x86_64 dnsmasq iptables${plugin}`;
    default:
      return `install libvirt, QEMU and dnsmasq${plugin}`;
  }
}

function lookAtLibvirt(facts: HostFacts): Finding[] {
  const { plugin, missing, state, systemd, inGroup } = facts.libvirt;
  if (!plugin || missing.length > 0) return lookAtProviders(facts);
  if (state.kind !== 'none') return [];
  if (/permission denied|authentication|polkit/i.test(state.why) && !inGroup) {
    return [
      {
        what: `you may not use libvirt: ${state.why}`,
        remedy: 'sudo usermod --append --groups libvirt "$USER", then log in anew',
      },
    ];
  }
  const remedy = systemd
    ? 'sudo systemctl enable --now libvirtd (where that is unknown: virtqemud.socket virtnetworkd.socket virtstoraged.socket)'
    : 'run this as root: without systemd the kit starts a libvirt of its own';
  return [{ what: `libvirt does not answer: ${state.why}`, remedy }];
}

function lookAtRoom({ free, made }: HostFacts): Finding[] {
  if (made || free.bytes >= ROOM_BYTES) return [];
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  return [
    {
      what: `${gigabytes(free.bytes)} are free at ${free.path}; a machine and its box take up to ${gigabytes(ROOM_BYTES)}`,
      remedy: 'make room, or name another place: UNBOXED_CACHE, VAGRANT_HOME',
    },
  ];
}

/** Guests of our own libvirt are in a network namespace without a way out. */
function lookAtNetwork({ libvirt, box, made }: HostFacts, provider: string | null): Finding[] {
  if (provider !== 'libvirt' || libvirt.state.kind !== 'own' || made || box.kind !== 'public') {
    return [];
  }
  return [
    {
      what: `${box.name} must be fetched, and the guest would fetch more: without systemd the machines have no network to do so`,
      remedy: 'build the box that holds everything: npm run vm:box',
    },
  ];
}

function lookAtProcessor({ kvm, virtualization, platform }: HostFacts): Finding[] {
  if (kvm === null || kvm.works || platform !== 'linux') return [];
  const remedy =
    virtualization === false
      ? "switch virtualization on in the firmware (Intel VT-x, AMD-V), or, where this is a virtual machine itself, nesting in its host's settings"
      : 'nothing needs to be done; sudo modprobe kvm_intel or kvm_amd where only the module is missing';
  return [{ what: `the processor is emulated, some ten times slower: ${kvm.why}`, remedy }];
}

/** One line to type; `usual` is the package's name where the package manager has none of its own. */
function install(
  packages: Packages | null,
  names: { usual: string } & Partial<Record<Packages, string>>,
): string {
  const name = (packages && names[packages]) || names.usual;
  const commands: Record<Packages, string> = {
    apt: 'sudo apt-get install',
    dnf: 'sudo dnf install',
    pacman: 'sudo pacman -S',
    zypper: 'sudo zypper install',
    apk: 'sudo apk add',
    brew: 'brew install',
    winget: 'winget install',
  };
  return packages ? `${commands[packages]} ${name}` : `install ${name}`;
}
