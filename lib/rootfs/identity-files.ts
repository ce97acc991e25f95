/**
 * The few text files by which programs learn where they are: which distribution, which users,
 * which host names. They belong to the root filesystem, not to the kernel, so a changed root
 * changes the answers.
 *
 * - `identityFiles(osRelease)`: path and text of each.
 *
 * See os-release(5), passwd(5), group(5), hosts(5), nsswitch.conf(5).
 */

/** A file's path inside the root, and its content. */
export type TextFile = { at: string; text: string };

const OS_RELEASE = {
  NAME: 'unboxed',
  ID: 'unboxed',
  PRETTY_NAME: "unboxed 01 (built from this host's binaries)",
};

/** Writes out /etc for a root with one user; `osRelease` adds to os-release's fields or replaces them. */
export function identityFiles(osRelease: Readonly<Record<string, string>> = {}): TextFile[] {
  return [
    { at: '/etc/os-release', text: formatOsRelease({ ...OS_RELEASE, ...osRelease }) },
    {
      at: '/etc/passwd',
      text: 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
    },
    { at: '/etc/group', text: 'root:x:0:\nnogroup:x:65534:\n' },
    { at: '/etc/hosts', text: '127.0.0.1\tlocalhost\n::1\tlocalhost\n' },
    { at: '/etc/hostname', text: 'unboxed\n' },
    { at: '/etc/nsswitch.conf', text: 'passwd: files\ngroup: files\nhosts: files dns\n' },
  ];
}

/** One shell assignment per line; identifiers stand bare, as distributions write them. */
function formatOsRelease(fields: Readonly<Record<string, string>>): string {
  return Object.entries(fields)
    .map(([key, value]) => {
      const bare = key.endsWith('ID') && /^[a-z0-9._-]+$/.test(value);
      return `${key}=${bare ? value : `"${value.replace(/["\\$`]/g, '\\$&')}"`}\n`;
    })
    .join('');
}
