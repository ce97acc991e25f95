/**
 * Is this process in somebody's container already? Files such as /.dockerenv only say that the root
 * file system came from an image, and survive when that image is booted as a virtual machine. The
 * kernel's own evidence are the namespaces: those that it makes for itself at boot have fixed
 * inode numbers, and a process whose pid namespace has another one was put there by someone.
 *
 * namespaces(7), <linux/proc_ns.h>, systemd-detect-virt(1)
 */
import { existsSync } from 'node:fs';
import type { Namespace } from '../namespaces.ts';
import { orNull, readProcFile } from '../proc-file.ts';

export type NamespaceLinks = Record<Namespace, string | null>;

export type ContainerFacts = {
  inside: boolean;
  /** Who left the first marker: docker, podman, lxc … */
  kept: string | null;
  /** Markers found, and namespaces that are not the machine's first. */
  markers: string[];
  foreign: Namespace[];
};

/** The namespaces made at boot. The network's and the mounts' have no number fixed for long. */
const INITIAL: Partial<Record<Namespace, string>> = {
  ipc: 'ipc:[4026531839]',
  uts: 'uts:[4026531838]',
  user: 'user:[4026531837]',
  pid: 'pid:[4026531836]',
  cgroup: 'cgroup:[4026531835]',
  time: 'time:[4026531834]',
};

/** Each marker with the name of who leaves it. */
function readMarkers(): [marker: string, keeper: string][] {
  const found: [string, string][] = [];
  if (existsSync('/.dockerenv')) found.push(['/.dockerenv', 'docker']);
  if (existsSync('/run/.containerenv')) found.push(['/run/.containerenv', 'podman']);
  const environ = orNull(() => readProcFile('/proc/1/environ')) ?? '';
  const told = /(?:^|\0)container=([^\0]+)/.exec(environ)?.[1];
  if (told) found.push([`container=${told} in /proc/1/environ`, told]);
  const systemd = orNull(() => readProcFile('/run/systemd/container'))?.trim();
  if (systemd) found.push(['/run/systemd/container', systemd]);
  const cgroup = /\b(docker|kubepods|libpod|lxc|containerd)\b/.exec(
    orNull(() => readProcFile('/proc/1/cgroup')) ?? '',
  )?.[1];
  if (cgroup) found.push([`${cgroup} in /proc/1/cgroup`, KEEPER[cgroup] ?? cgroup]);
  return found;
}

const KEEPER: Record<string, string> = { kubepods: 'kubernetes', libpod: 'podman' };

export function readContainer(namespaces: NamespaceLinks, wsl: boolean): ContainerFacts {
  return judgeContainer(readMarkers(), namespaces, wsl);
}

/**
 * Inside, if the pid namespace is foreign, or a marker stands beside another foreign namespace that
 * engines always make (a container that was given the host's pids). A foreign user namespace alone
 * is only somebody's `unshare -U`. WSL starts each distribution in namespaces of its own on a
 * machine that holds nothing else: only a marker counts there.
 */
export function judgeContainer(
  markers: [marker: string, keeper: string][],
  namespaces: NamespaceLinks,
  wsl: boolean,
): ContainerFacts {
  const foreign = (Object.keys(INITIAL) as Namespace[]).filter(
    (name) => namespaces[name] !== null && namespaces[name] !== INITIAL[name],
  );
  const telling = foreign.some((name) => name !== 'user' && name !== 'time');
  return {
    inside: markers.length > 0 ? telling : !wsl && foreign.includes('pid'),
    kept: markers[0]?.[1] ?? null,
    markers: markers.map(([marker]) => marker),
    foreign,
  };
}
