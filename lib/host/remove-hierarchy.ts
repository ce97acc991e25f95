/**
 * Taking a version 1 hierarchy away that has a name and no controller. One that still has a cgroup
 * outlives its last mount, and a removed cgroup stays for a moment: whoever unmounts it in this
 * moment leaves it for good, mounted nowhere. So it is mounted again, not too fast, until it is gone.
 * In a mount table of its own: others take what they see mounted for theirs to use.
 *
 * cgroups(7), "Cgroups v1 hierarchies"
 */
const UNTIL_GONE = `
  n=0
  while grep -q ":name=$1:" /proc/self/cgroup; do
    n=$((n + 1)); [ $n -le 100 ] || exit 1
    mount -t cgroup -o "none,name=$1" none "$2" || continue
    find "$2" -mindepth 1 -depth -type d -exec rmdir {} + && sleep 0.1
    umount "$2"
    sleep 0.1
  done`;

/** A command. Exit code 1: after twenty seconds it is still there, as somebody is in a cgroup of it. */
export const removeHierarchy = (name: string, emptyDirectory: string): string[] => [
  ...['unshare', '--mount', 'sh', '-c', UNTIL_GONE, 'sh'],
  ...[name, emptyDirectory],
];
