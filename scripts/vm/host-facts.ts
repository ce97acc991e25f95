/** The facts that preflight.ts judges, looked up on this host; nothing is started or changed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { readDistribution } from '../../lib/observe/host/distribution.ts';
import { cacheDirectory } from './cache.ts';
import { hostArch } from './image/arch.ts';
import { tryKvm } from './kvm.ts';
import { findLibvirt, type LibvirtState } from './libvirt.ts';
import { type Machine, vagrantId } from './machines.ts';
import type { HostFacts, Packages } from './preflight.ts';

const LIBVIRT_PROGRAMS = ['virsh', 'qemu-img', 'dnsmasq'];

/** `libvirt` is what stands in `facts.libvirt.state`, with the pid of a daemon of our own. */
export async function lookAtHost(
  machine: Machine,
  box: HostFacts['box'],
): Promise<{ facts: HostFacts; libvirt: LibvirtState }> {
  const { platform } = process;
  const isLinux = platform === 'linux';
  const made = vagrantId(machine);
  const provider = process.env.VAGRANT_DEFAULT_PROVIDER || made?.provider || null;
  const vagrant = readVersion();
  const libvirt: LibvirtState =
    isLinux && isInstalled('virsh') ? findLibvirt() : { kind: 'none', why: 'it is not installed' };
  const usesRsync = isLinux || (platform === 'darwin' && provider !== 'virtualbox' && provider);
  const facts: HostFacts = {
    platform,
    arch: hostArch(),
    packages: readPackages(),
    root: process.getuid?.() === 0,
    vagrant,
    virtualbox: isInstalled('VBoxManage') || existsSync(WINDOWS_VIRTUALBOX),
    libvirt: {
      plugin: isLinux && vagrant !== null && hasPlugin(),
      missing: isLinux ? missingPrograms(libvirt) : [],
      state: libvirt,
      systemd: existsSync('/run/systemd/system'),
      inGroup: isLinux && isInGroup('libvirt'),
    },
    missing: ['ssh', ...(usesRsync ? ['rsync'] : [])].filter((name) => !isInstalled(name)),
    provider,
    free: await readFree(),
    made: made !== null,
    box,
    kvm: null,
    virtualization: isLinux ? readVirtualization() : null,
  };
  if (isLinux && facts.libvirt.plugin && (provider ?? 'libvirt') === 'libvirt') {
    facts.kvm = await tryKvm();
  }
  return { facts, libvirt };
}

const WINDOWS_VIRTUALBOX = 'C:\\Program Files\\Oracle\\VirtualBox\\VBoxManage.exe';

function missingPrograms(libvirt: LibvirtState): string[] {
  const daemons =
    libvirt.kind === 'own' ? ['libvirtd', 'virtlogd', 'nsenter', 'unshare', 'ip'] : [];
  const qemu = ['qemu-system-x86_64', 'qemu-system-aarch64', 'qemu-kvm'];
  const names = [...LIBVIRT_PROGRAMS, ...daemons];
  const missing = names.filter((name) => !isInstalled(name));
  const hasQemu = qemu.some(isInstalled) || existsSync('/usr/libexec/qemu-kvm');
  return hasQemu ? missing : [...missing, 'qemu-system'];
}

/** Daemons lie where an ordinary user's PATH does not lead. */
function isInstalled(name: string): boolean {
  const windows = process.platform === 'win32';
  const directories = (process.env.PATH ?? '').split(windows ? ';' : ':');
  const ends = windows ? ['.exe', '.cmd', '.bat'] : [''];
  return [...directories, ...(windows ? [] : ['/usr/local/sbin', '/usr/sbin', '/sbin'])].some(
    (directory) => directory && ends.some((end) => existsSync(join(directory, `${name}${end}`))),
  );
}

function readVersion(): string | null {
  if (!isInstalled('vagrant')) return null;
  // Its own `--version` takes half a second to say.
  const list = spawnSync('vagrant', ['--version'], {
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  return /\d+\.\d+\.\d+/.exec(list.stdout ?? '')?.[0] ?? null;
}

/** Where distributions and `vagrant plugin install` put it; Vagrant is asked where it is in neither. */
function hasPlugin(): boolean {
  const home = process.env.VAGRANT_HOME || join(homedir(), '.vagrant.d');
  const listed = join(home, 'plugins.json');
  if (existsSync(listed) && readFileSync(listed, 'utf8').includes('"vagrant-libvirt"')) return true;
  const gems = [
    '/usr/share/rubygems-integration/*/gems',
    '/usr/share/*/gems',
    '/usr/share/*/gems/*',
  ];
  if (globSync(gems.map((place) => `${place}/vagrant-libvirt-*`)).length > 0) return true;
  const list = spawnSync('vagrant', ['plugin', 'list'], { encoding: 'utf8' });
  return /^vagrant-libvirt /m.test(list.stdout ?? '');
}

function isInGroup(name: string): boolean {
  if (process.getuid?.() === 0) return true;
  try {
    return execFileSync('id', ['-nG'], { encoding: 'utf8' }).trim().split(' ').includes(name);
  } catch {
    return false;
  }
}

function readPackages(): Packages | null {
  if (process.platform === 'darwin') return 'brew';
  if (process.platform === 'win32') return 'winget';
  return process.platform === 'linux' ? readDistribution().packages : null;
}

async function readFree(): Promise<HostFacts['free']> {
  const path = cacheDirectory();
  await mkdir(path, { recursive: true });
  const { bavail, bsize } = await statfs(path);
  return { path, bytes: bavail * bsize };
}

/** vmx: Intel's, svm: AMD's. On arm64 there is no flag to look for. */
function readVirtualization(): boolean | null {
  if (process.arch !== 'x64' || !existsSync('/proc/cpuinfo')) return null;
  return /^flags\s*:.*\b(?:vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'));
}
