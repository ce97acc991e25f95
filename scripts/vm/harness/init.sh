#!/bin/busybox sh
# The first program of the guest, in the initial RAM disk: loads what the kernel needs to reach its
# disk, and goes over to the root filesystem there. See initrd.ts for what lies beside it.
b=/bin/busybox
$b mount -t devtmpfs devtmpfs /dev
while read -r module; do $b insmod "/modules/$module"; done </modules/order
$b mount -t ext4 /dev/vda /root || { echo 'unboxed: no root filesystem on the first disk'; $b poweroff -f; }
$b cp /guest.sh /root/unboxed-guest.sh
$b mount --move /dev /root/dev
exec $b switch_root /root /unboxed-guest.sh
