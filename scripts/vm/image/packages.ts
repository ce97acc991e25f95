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

const BOOT: Record<Arch, string> = {
  amd64: 'linux-image-amd64 grub-pc',
  arm64: 'linux-image-arm64 grub-efi-arm64',
};

export function guestPackages(arch: Arch): string[] {
  return `${MACHINE} ${LABS} ${BOOT[arch]}`.split(' ').sort();
}
