/**
 * The switches by which a kernel, a distribution or an administrator turns user namespaces off for
 * those who are not root. Each is a file; where the file is missing, the switch does not exist.
 *
 * user_namespaces(7), namespaces(7) "The /proc/sys/user directory"
 */
import { orNull, readProcFile } from '../proc-file.ts';

export type UserNamespaceSettings = {
  /** user.max_user_namespaces: how many there may be; 0 is off. */
  max: number | null;
  /** kernel.unprivileged_userns_clone (Debian's and Arch's patch): 0 leaves them to root. */
  unprivilegedClone: number | null;
  /** kernel.apparmor_restrict_unprivileged_userns (Ubuntu): 1 wants a profile for the program. */
  apparmorRestricts: number | null;
};

export function readUserNamespaceSettings(): UserNamespaceSettings {
  return {
    max: readSetting('user/max_user_namespaces'),
    unprivilegedClone: readSetting('kernel/unprivileged_userns_clone'),
    apparmorRestricts: readSetting('kernel/apparmor_restrict_unprivileged_userns'),
  };
}

function readSetting(name: string): number | null {
  const text = orNull(() => readProcFile(`/proc/sys/${name}`));
  return text === null ? null : Number(text);
}
