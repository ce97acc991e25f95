/**
 * A picture of the host is what a container could leave behind: mounts, namespaces, cgroups, links,
 * routes, packet filter rules, processes, host-wide settings, names in temporary and state
 * directories. Two pictures compared prove that a run left nothing. A picture is plain data: it can
 * be written as JSON and compared by another process later.
 *
 * Not in a picture: mount and peer group ids (they change without anything having changed), kernel
 * threads (they come and go by themselves), the contents of files, packet counters.
 *
 * proc(5), namespaces(7)
 */
import { type Dirent, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listCgroups } from './cgroups.ts';
import { ObserveError } from './error.ts';
import { readMembership } from './membership.ts';
import { type Mount, propagationOf, readMountinfo } from './mountinfo.ts';
import { readNamespaces } from './namespaces.ts';
import { listLinks, listRoutes, ruleset } from './network.ts';
import { orGone, readProcFile } from './proc-file.ts';
import { listPids, readCmdline, readStat } from './process.ts';

export {
  comparePictures,
  type Difference,
  describeDifference,
  type Ignore,
} from './difference.ts';

export interface PicturedProcess {
  pid: number;
  startTime: string;
  command: string;
  /** It has ended and waits for its parent to ask how. */
  zombie: boolean;
  /** Links of the namespaces that it is in; empty when they are not ours to look at. */
  namespaces: string[];
}

export interface Picture {
  mounts: string[];
  cgroups: string[];
  links: string[];
  routes: string[];
  rules: string[];
  settings: string[];
  /** Paths below the watched directories. */
  files: string[];
  processes: PicturedProcess[];
  /** `pid@start` of the process that took the picture and of its ancestors. */
  takers: string[];
  /** What could not be looked at, and why; compare it, or the proof has a hole. */
  unseen: string[];
}

/** Directories of which a picture holds the names one level deep, if they exist. */
const SHALLOW = ['/var/tmp', '/run', '/var/lib', '/dev/shm', '/sys/fs/cgroup'];
/** The kit's own state, of which a picture holds everything. */
const DEEP = ['/var/lib/unboxed', '/run/unboxed'];
/** Host-wide values that setting up a container's name or network could change. */
const SETTINGS = [
  '/proc/sys/kernel/hostname',
  '/proc/sys/kernel/domainname',
  '/proc/sys/net/ipv4/ip_forward',
  '/proc/sys/net/ipv6/conf/all/forwarding',
];

/** Takes 15 to 40 milliseconds, most of it in `ip` and `nft`. `deep` names more directories. */
export function takePicture(options: { deep?: string[] } = {}): Picture {
  const unseen: string[] = [];
  const look = (read: () => string[]): string[] => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ObserveError)) throw error;
      unseen.push(error.message);
      return [];
    }
  };
  return {
    mounts: look(() => readMountinfo().map(describeMount)),
    cgroups: look(() => [...listCgroups(), ...listHierarchies()]),
    links: look(() => listLinks().map(describeLink)),
    routes: look(() => listRoutes().map((route) => JSON.stringify(route))),
    rules: look(() => (ruleset() ?? '').split('\n').filter((line) => line.trim() !== '')),
    settings: look(readSettings),
    files: [
      ...[tmpdir(), ...SHALLOW].flatMap((path) => listNames(path, false, unseen)),
      ...[...DEEP, ...(options.deep ?? [])].flatMap((path) => listNames(path, true, unseen)),
    ],
    processes: listPids().flatMap(lookAtProcess),
    takers: lineOf(process.pid),
    unseen,
  };
}

/**
 * Version 1 hierarchies that have a name, also those that are mounted nowhere: one whose cgroups
 * were not removed outlives its last mount.
 */
const listHierarchies = (): string[] =>
  Object.keys(readMembership('self')).filter((key) => key.startsWith('name='));

function describeMount(mount: Mount): string {
  const { mountPoint, root, device, fstype, source, options, superOptions } = mount;
  const shown = [mountPoint, `${fstype}(${device})`, source || '-', `root=${root}`];
  return [...shown, options.join(), superOptions.join(), propagationOf(mount)].join(' ');
}

function describeLink(link: ReturnType<typeof listLinks>[number]): string {
  const addresses = link.addresses.map(({ address, prefix }) => `${address}/${prefix}`);
  const about = [link.kind ?? 'device', link.mac, link.up ? 'up' : 'down', link.master ?? '-'];
  return [link.name, ...about, ...addresses].join(' ');
}

function readSettings(): string[] {
  return SETTINGS.flatMap((path) => {
    const value = orGone(() => readProcFile(path));
    return value === null ? [] : [`${path} = ${value.trim()}`];
  });
}

function lookAtProcess(pid: number): PicturedProcess[] {
  const seen = orGone(() => {
    const { startTime, state, kernelThread } = readStat(pid);
    if (kernelThread) return null;
    const words = readCmdline(pid).join(' ');
    const zombie = state === 'Z';
    const command = zombie ? 'zombie' : words;
    const links = Object.values(readNamespaces(pid)).filter((link) => link !== null);
    return { pid, startTime, command, zombie, namespaces: links };
  });
  return seen === null ? [] : [seen];
}

/** The process and its ancestors as far as they are visible, each as `pid@start`. */
function lineOf(pid: number): string[] {
  if (pid === 0) return [];
  const stat = orGone(() => readStat(pid));
  return stat === null ? [] : [`${pid}@${stat.startTime}`, ...lineOf(stat.ppid)];
}

/** A directory that cannot be read is added to `unseen`; one that is not there has no names. */
function listNames(directory: string, deep: boolean, unseen: string[]): string[] {
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(directory, { withFileTypes: true });
  } catch (cause) {
    const { code = 'EIO' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    unseen.push(new ObserveError(directory, code, { code, cause }).message);
  }
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    return deep && entry.isDirectory() ? [path, ...listNames(path, true, unseen)] : [path];
  });
}
