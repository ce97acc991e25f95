/**
 * Capabilities: root's power cut into pieces, each a bit in a mask. The kernel prints masks in
 * hexadecimal; here the bits get their names back.
 *
 * capabilities(7), proc_pid_status(5), <linux/capability.h>
 */

/** The name of bit n, without the `CAP_` that stands before each of them. */
const NAMES = `CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
  LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE
  SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME
  SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`.split(/\s+/);

/**
 * The names of the bits set in `mask`, lowest bit first. A bit that is newer than the table is
 * given by its number (`CAP_41`), as capsh(1) does not lose it either.
 */
export function decodeCapabilities(mask: bigint): string[] {
  const held: string[] = [];
  for (let bit = 0; mask >> BigInt(bit) > 0n; bit++) {
    if ((mask >> BigInt(bit)) & 1n) held.push(`CAP_${NAMES[bit] ?? bit}`);
  }
  return held;
}

/** Which of the capabilities up to bit `last` are not among those held. */
export function missingCapabilities(held: string[], last: number): string[] {
  return decodeCapabilities((1n << BigInt(last + 1)) - 1n).filter((name) => !held.includes(name));
}
