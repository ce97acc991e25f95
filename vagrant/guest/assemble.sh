# Puts a guest's root filesystem together and makes an ext4 image of it. Runs as root, or as root of
# a user namespace that can reach no path of the user's: what it reads and writes are descriptors.
#
#   3  the Debian archive          5  the image, an empty file
#   4  the archive laid over it    6  an archive of what boots the guest from outside
#   7  the contents: name, mode, owner and link of everything, then every file's SHA-256, then
#      capabilities
#
# Standard output is the SHA-256 of the contents. Wants WORK (a directory to make and remove), EPOCH,
# UUID, SIZE (of the image, in KiB).
set -eu
export LC_ALL=C TZ=UTC0
umask 022
trap 'rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM HUP
mkdir -p "$WORK/root"
cd "$WORK/root"

# Device nodes cannot be made in a user namespace; the kernel makes them when the guest boots.
unpack() { tar --extract --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*'; }
unpack <&3
unpack <&4

chmod 755 .
chmod 440 etc/sudoers.d/*
chown -R 1000:1000 home/vagrant
chmod 700 home/vagrant/.ssh
chmod 600 home/vagrant/.ssh/authorized_keys
mkdir -p -m 755 unboxed
chown 1000:1000 unboxed
: >etc/machine-id
ln -sf ../run/systemd/resolve/stub-resolv.conf etc/resolv.conf
mkdir -p etc/systemd/system/ssh.service.wants
ln -sf /etc/systemd/system/ssh-host-keys.service etc/systemd/system/ssh.service.wants/
set -- boot/vmlinuz-*
kernel=${1#boot/vmlinuz-}
console=$(sed -n 's/^GRUB_CMDLINE_LINUX="\(.*\)"/\1/p' etc/default/grub.d/unboxed.cfg)
# As update-grub would write it, who cannot look at a disk that is not there yet.
cat >boot/grub/grub.cfg <<END
search --no-floppy --fs-uuid --set=root $UUID
linux /boot/vmlinuz-$kernel root=UUID=$UUID ro $console
initrd /boot/initrd.img-$kernel
boot
END
same_time() { find . -newermt "@$EPOCH" -exec touch --no-dereference --date="@$EPOCH" {} +; }
same_time

# What the labs' containers begin with, made of the guest's own programs by the guest's own Node. It
# is found again by the times of these, which are those above.
unshare --mount sh -c '
  mount --rbind /dev dev
  mount --rbind /proc proc
  exec chroot . /usr/bin/env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    node /opt/unboxed/packages/roots/scripts/vm/image/lab-roots.ts' >&2
rm -r opt/unboxed/packages/roots
same_time

drivers='block char net/virtio_net.ko net/veth.ko virtio'
(
  cd "usr/lib/modules/$kernel"
  find . -path ./kernel/drivers -prune -o -path ./kernel/sound -prune -o -type f -print
  for driver in $drivers; do
    [ ! -e "kernel/drivers/$driver" ] || find "./kernel/drivers/$driver" -type f
  done
) | sed "s,^\./,lib/modules/$kernel/," >"$WORK/modules"
{
  ls -d boot/vmlinuz-* boot/initrd.img-* boot/grub/*/core.* boot/grub/*/boot.img bin/busybox
  cat "$WORK/modules"
} 2>/dev/null | tar --create --dereference --files-from=- >&6

{
  find . -printf '%p\t%y%m\t%U:%G\t%l\n' | sort
  find . -type f -print0 | sort -z | xargs -0 sha256sum
  getcap -r . | sort
} >"$WORK/contents"
cat "$WORK/contents" >&7
sha256sum <"$WORK/contents" | cut -d ' ' -f 1

# Every feature is named: those that an e2fsprogs turns on by itself are more by the year, and GRUB
# does not read all of them. Its own configuration stays out of it for the same reason.
features=none,has_journal,ext_attr,resize_inode,dir_index,filetype,extent,64bit,flex_bg,sparse_super
features=$features,large_file,huge_file,dir_nlink,extra_isize,metadata_csum
MKE2FS_CONFIG=/dev/null E2FSPROGS_FAKE_TIME=$EPOCH mke2fs -q -F -O "$features" \
  -b 4096 -I 256 -i 16384 -J size=64 -m 1 -L unboxed -U "$UUID" \
  -E "hash_seed=$UUID,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0" \
  -d . /proc/self/fd/5 "${SIZE}k" >&2
