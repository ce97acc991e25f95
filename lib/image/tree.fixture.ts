/**
 * Trees for tests, and how one is looked at from outside the kit: by find, sha256sum and getfattr.
 */
import { run } from './tar.fixture.ts';

const LOOK = `
find . -mindepth 1 -printf '%P|%y|%m|%U:%G|%n|%T@|%l|' \\( -type f -printf '%s' -o -printf - \\) -printf '\\n' | sort
find . -type f -exec sha256sum {} + | sort -k2
find . -type b -o -type c | sort | xargs -r stat -c '%n %t:%T'
getfattr -R -h -d -m - -e hex . 2>/dev/null || true
`;

/** All that there is to know of what lies below, without the times of directories on request. */
export function lookAt(path: string, options: { ignoring?: RegExp } = {}): string {
  const lines = run(['sh', '-c', LOOK], { cwd: path }).toString('latin1').split('\n');
  return lines.filter((line) => !options.ignoring?.test(line)).join('\n');
}

const MAKE = `
umask 022
mkdir -p etc usr/bin var/mail empty deep/er/still "with blank" private
printf 'root:x:0:0' > etc/passwd
ln -s passwd etc/link; ln -s /no/where etc/dangling
ln etc/passwd etc/hard
printf '#!/bin/sh' > usr/bin/tool; chmod 4755 usr/bin/tool
ln usr/bin/tool usr/bin/again
head -c 70000 /dev/urandom > usr/bin/large
: > empty-file
printf x > "with blank/name
with newline"
printf u > 'deep/grüße-€'; printf b > "$(printf 'deep/byte-\\377')"
long=$(printf '%0150d' 7); mkdir -p "deep/$long/$long"; printf l > "deep/$long/$long/$long"
ln -s "$long/$long" deep/long-link
chmod 2775 var/mail; printf m > var/mail/box; chmod 600 var/mail/box
chmod 1777 empty; chmod 700 private; chmod 0444 etc/passwd
truncate -s 3M deep/sparse; printf middle | dd of=deep/sparse bs=1 seek=1500000 conv=notrunc status=none
truncate -s 5M deep/pieces; for i in 1 2 3 4 5 6 7 8 9; do
  head -c 5000 /dev/urandom | dd of=deep/pieces bs=4096 seek=$((i * 100)) conv=notrunc status=none; done
truncate -s 100k deep/hole
mkfifo pipe
find . -exec touch -h -d @1234567890.123456789 {} +
touch -h -d @-5.5 etc/link
`;
const MAKE_AS_ROOT = `
mknod null c 1 3; mknod disk b 259 70000
chown 1000:1001 var/mail/box; chown -h 33:33 etc/link; chown 2500000:2500001 empty-file
chmod 6711 usr/bin/again
setfattr -n user.note -v 'a = b' etc/passwd; setfattr -n user.bytes -v 0xff00fe0a3d usr/bin
setcap cap_net_raw,cap_sys_admin+ep usr/bin/large
find . -exec touch -h -d @1234567890.123456789 {} +
touch -h -d @-5.5 etc/link
`;

/** A tree in which there is one of everything. */
export function makeTree(path: string): void {
  const asRoot = process.geteuid?.() === 0;
  run(['sh', '-ec', MAKE + (asRoot ? MAKE_AS_ROOT : '')], { cwd: path });
}
