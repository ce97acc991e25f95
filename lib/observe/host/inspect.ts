/**
 * What this host offers to somebody who wants to build containers on it, as plain data that fits
 * into JSON. Everything is read, or tried in a process that takes its traces away with it, when it is
 * first asked for; nothing here changes the host, needs root, or takes longer than a blink.
 */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type CgroupLayout, detectCgroups } from '../cgroups.ts';
import { readMountinfo } from '../mountinfo.ts';
import { readNamespaces } from '../namespaces.ts';
import { type ContainerFacts, type NamespaceLinks, readContainer } from './container.ts';
import { type CredentialFacts, readCredentials } from './credentials.ts';
import { type Distribution, readDistribution } from './distribution.ts';
import { type FileSystemFacts, readFileSystems } from './filesystems.ts';
import { type KernelFacts, readKernel } from './kernel.ts';
import { lazily } from './lazily.ts';
import { type CLibrary, readCLibrary, readVirtualMachine, readWsl } from './machine.ts';
import { type Probe, probeNamespaces, probeOverlay } from './probe.ts';
import { readUserNamespaceSettings, type UserNamespaceSettings } from './settings.ts';
import { readTools, type ToolFacts } from './tools.ts';

export type LinuxFacts = {
  distribution: Distribution;
  cLibrary: CLibrary;
  kernel: KernelFacts;
  /** 1 or 2 on Windows' Linux subsystem. */
  wsl: 1 | 2 | null;
  virtualMachine: string | null;
  container: ContainerFacts;
  credentials: CredentialFacts;
  namespaces: NamespaceLinks;
  settings: UserNamespaceSettings;
  /** What happened when namespaces were made: as we are, and as root of a new user namespace. */
  probes: { self: Probe; user: Probe };
  cgroups: CgroupLayout;
  fileSystems: FileSystemFacts;
  /** Did an overlay mount succeed; null where there was no way to try. */
  overlayMounts: boolean | null;
  tools: ToolFacts;
};

export type HostFacts = {
  /** As Node names them: `linux`, `darwin` …; `x64`, `arm64` … */
  platform: string;
  architecture: string;
  node: string;
  /** Null on any other platform: the rest only makes sense on Linux. */
  linux: LinuxFacts | null;
};

/** `state` is the directory in which the kit keeps what it makes; it need not exist. */
export function inspectHost(state: string = defaultState()): HostFacts {
  return {
    platform: process.platform,
    architecture: process.arch,
    node: process.versions.node,
    linux: process.platform === 'linux' ? inspectLinux(state) : null,
  };
}

function inspectLinux(state: string): LinuxFacts {
  const facts: LinuxFacts = lazily<LinuxFacts>({
    distribution: readDistribution,
    cLibrary: readCLibrary,
    kernel: readKernel,
    wsl: () => readWsl(facts.kernel.release),
    virtualMachine: readVirtualMachine,
    container: () => readContainer(facts.namespaces, facts.wsl !== null),
    credentials: readCredentials,
    namespaces: () => readNamespaces('self'),
    settings: readUserNamespaceSettings,
    probes: () =>
      lazily({
        self: () => probeNamespaces('self', unshare()),
        user: () => probeNamespaces('user namespace', unshare()),
      }),
    cgroups: detectCgroups,
    fileSystems: () => readFileSystems(readMountinfo(), state),
    overlayMounts: () =>
      probeOverlay(facts.probes.self.refused.mount ? 'user namespace' : 'self', unshare()),
    tools: readTools,
  });
  const unshare = () => facts.tools.unshare?.path ?? null;
  return facts;
}

/** The rule of lib/host, which stands above this room and cannot be imported; a test compares. */
function defaultState(): string {
  const { UNBOXED_STATE, XDG_DATA_HOME } = process.env;
  if (UNBOXED_STATE) return resolve(UNBOXED_STATE);
  if (process.geteuid?.() === 0) return '/var/lib/unboxed';
  const data = XDG_DATA_HOME?.startsWith('/') ? XDG_DATA_HOME : join(homedir(), '.local/share');
  return join(data, 'unboxed');
}
