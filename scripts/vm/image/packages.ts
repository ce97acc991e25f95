/**
 * The Debian packages of a guest, beside those that Debian calls required. Debian 12 has the last
 * systemd (252) that runs on cgroup v1 without being forced to.
 */
import type { Arch } from './arch.ts';

export const SUITE = 'bookworm';

/** A machine that boots, gets an address and lets one in. */
const MACHINE =
  'systemd-sysv systemd-resolved udev dbus kmod procps initramfs-tools zstd openssh-server sudo rsync ' +
  'ca-certificates e2fsprogs fdisk';

/** What labs call, and what tests compare with (see lib/observe/needs.ts). */
const LABS =
  'iproute2 nftables iptables iputils-ping util-linux mount attr libcap2-bin busybox-static strace ' +
  'runc tmux curl git less nano';

/** What drives the runtime, for the guests in which it is tested below them. */
const ENGINES = 'podman conmon containerd docker.io';

const BOOT: Record<Arch, string> = {
  amd64: 'linux-image-amd64 grub-pc',
  arm64: 'linux-image-arm64 grub-efi-arm64',
};

export interface GuestWish {
  arch: Arch;
  /** With podman, containerd and dockerd; false in the box that learners get. */
  engines?: boolean;
}

export function guestPackages({ arch, engines = false }: GuestWish): string[] {
  const all = `${MACHINE} ${LABS} ${BOOT[arch]}${engines ? ` ${ENGINES}` : ''}`;
  return all.split(' ').sort();
}
