/**
 * Labels of the kernel's security modules: AppArmor's profile or SELinux's context, in which the
 * container's program is to run. The file that takes it is opened while the host's /proc can be
 * seen, and written just before execve, for which it is meant.
 *
 * proc_pid_attr(5), kernel Documentation/admin-guide/LSM; OCI runtime-spec config.md "Linux Process"
 */
import { existsSync, readFileSync } from 'node:fs';
import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from '../kernel/constants.ts';
import type { Draft, Part } from './draft.ts';
import { OciError } from './oci-error.ts';
import type { Spec } from './spec.ts';

/** What this kernel has been started with. */
export interface SecurityModules {
  apparmor: boolean;
  selinux: boolean;
}

export function readSecurityModules(): SecurityModules {
  const parameter = '/sys/module/apparmor/parameters/enabled';
  return {
    apparmor: existsSync(parameter) && readFileSync(parameter, 'utf8').startsWith('Y'),
    selinux: existsSync('/sys/fs/selinux/enforce'),
  };
}

const APPARMOR = '/proc/self/attr/apparmor/exec';
/** Where several modules cannot be in force at once, it is the one module's. */
const SHARED = '/proc/self/attr/exec';

/**
 * Writes the line that opens; what it returns writes the label. Neither writes anything where no
 * label is asked for. Throws OciError where the kernel has not the module.
 */
export function openLabel(
  { call, spec }: Pick<Draft, 'call' | 'spec'>,
  has: SecurityModules = readSecurityModules(),
): Part {
  const labels = labelsOf(spec, has).map(({ path, text }) => ({
    file: call.openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC),
    text,
  }));
  return (draft) => {
    for (const { file, text } of labels) draft.call.write(file, Buffer.from(text));
  };
}

function labelsOf({ process }: Spec, has: SecurityModules): { path: string; text: string }[] {
  const { apparmorProfile: profile, selinuxLabel: label } = process ?? {};
  const labels: { path: string; text: string }[] = [];
  if (profile && (has.apparmor || profile !== 'unconfined')) {
    assertThere(has.apparmor, 'process.apparmorProfile', profile, 'AppArmor');
    labels.push({ path: existsSync(APPARMOR) ? APPARMOR : SHARED, text: `exec ${profile}` });
  }
  if (label) {
    assertThere(has.selinux, 'process.selinuxLabel', label, 'SELinux');
    labels.push({ path: SHARED, text: label });
  }
  return labels;
}

/** The mount option by which files of a file system have a context, or null for none. Throws OciError. */
export function mountLabelOption(
  spec: Spec,
  has: SecurityModules = readSecurityModules(),
): string | null {
  const label = spec.linux?.mountLabel;
  if (!label) return null;
  assertThere(has.selinux, 'linux.mountLabel', label, 'SELinux');
  return `context=${JSON.stringify(label)}`;
}

function assertThere(there: boolean, where: string, label: string, module: string): void {
  if (there) return;
  throw new OciError(
    `${where}: ${JSON.stringify(label)} is given, but this kernel runs without ${module}; leave it out`,
  );
}
