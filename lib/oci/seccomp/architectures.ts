/**
 * Which interface a system call comes through: the kernel tells a filter by the `arch` of its
 * seccomp_data, and x32 from x86-64 by a bit of the number. A process of this machine can use only
 * those of its kernel; the specification's other names are of no consequence here.
 *
 * seccomp(2), OCI runtime-spec config-linux.md "Seccomp"
 */
import {
  AUDIT_ARCH_AARCH64,
  AUDIT_ARCH_ARM,
  AUDIT_ARCH_I386,
  AUDIT_ARCH_X86_64,
} from '../../kernel/constants.ts';
import type { Architecture } from '../../kernel/libc.ts';
import { OciError } from '../oci-error.ts';
import type { Abi } from './syscall-numbers.ts';

/** In the order of the specification. */
export const ARCHITECTURES: Readonly<Record<string, Abi | null>> = {
  SCMP_ARCH_X86: 'x86',
  SCMP_ARCH_X86_64: 'x86-64',
  SCMP_ARCH_X32: 'x32',
  SCMP_ARCH_ARM: 'arm',
  SCMP_ARCH_AARCH64: 'arm64',
  SCMP_ARCH_MIPS: null,
  SCMP_ARCH_MIPS64: null,
  SCMP_ARCH_MIPS64N32: null,
  SCMP_ARCH_MIPSEL: null,
  SCMP_ARCH_MIPSEL64: null,
  SCMP_ARCH_MIPSEL64N32: null,
  SCMP_ARCH_PPC: null,
  SCMP_ARCH_PPC64: null,
  SCMP_ARCH_PPC64LE: null,
  SCMP_ARCH_S390: null,
  SCMP_ARCH_S390X: null,
  SCMP_ARCH_PARISC: null,
  SCMP_ARCH_PARISC64: null,
  SCMP_ARCH_RISCV64: null,
  SCMP_ARCH_LOONGARCH64: null,
  SCMP_ARCH_M68K: null,
  SCMP_ARCH_SH: null,
  SCMP_ARCH_SHEB: null,
};

const OF_KERNEL: Record<Architecture, readonly [Abi, ...Abi[]]> = {
  x64: ['x86-64', 'x86', 'x32'],
  arm64: ['arm64', 'arm'],
};

export const AUDIT_ARCH: Record<Abi, number> = {
  'x86-64': AUDIT_ARCH_X86_64,
  x32: AUDIT_ARCH_X86_64,
  x86: AUDIT_ARCH_I386,
  arm64: AUDIT_ARCH_AARCH64,
  arm: AUDIT_ARCH_ARM,
};

/** Whether arguments are of 32 bits: what is above them in a register is not compared. */
export const isNarrow = (abi: Abi): boolean => abi === 'x86' || abi === 'x32' || abi === 'arm';

/**
 * The interfaces that a filter lets be used, the machine's own always among them. Throws OciError
 * for a name that the specification does not know.
 */
export function abisOf(names: readonly string[], machine: Architecture): readonly Abi[] {
  const asked = names.map((name, index) => {
    const abi = ARCHITECTURES[name];
    if (abi !== undefined) return abi;
    throw new OciError(
      `linux.seccomp.architectures[${index}]: ${JSON.stringify(name)} is no architecture; allowed: ${Object.keys(ARCHITECTURES).join(', ')}`,
    );
  });
  const [own, ...others] = OF_KERNEL[machine];
  return [own, ...others.filter((abi) => asked.includes(abi))];
}
