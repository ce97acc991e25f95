#!/bin/sh
# Process 1 of the guest. Mounts what a machine has, cgroups in the layout that the kernel command
# line names, unpacks the project from the second disk, runs one command and powers off.
#
#   results  ◀── lines of JSON that the command appends to $UNBOXED_RESULTS
#   output   ◀── what it prints (or hvc0, a terminal)
#   exit     ◀── its exit code
#
# cgroups(7), kernel Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
rm -f /unboxed-guest.sh

mount -t proc -o nosuid,nodev,noexec proc /proc
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run
mkdir -p /dev/pts /dev/shm /dev/mqueue /run/lock /run/unboxed
mount -t devpts -o nosuid,noexec,gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o nosuid,nodev tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
hostname unboxed
ip link set lo up

# As udev would; /dev/fuse is there before whoever opens it has the module loaded.
modprobe -q fuse
mkdir -p /dev/virtio-ports
for port in /sys/class/virtio-ports/*; do
  [ -s "$port/name" ] && ln -s "../${port##*/}" "/dev/virtio-ports/$(cat "$port/name")"
done

parameter() { # name
  for word in $(cat /proc/cmdline); do
    case $word in "$1="*) echo "${word#*=}" ;; esac
  done
}

# As systemd mounts them without the version 2 tree: one hierarchy per controller, these two pairs
# together, and one of its own without a controller.
mount_v1() {
  mount -t tmpfs -o nosuid,nodev,noexec,mode=755 tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o nosuid,nodev,noexec,none,name=systemd systemd /sys/fs/cgroup/systemd
  awk 'NR > 1 && $4 == 1 { print $1 }' /proc/cgroups | while read -r name; do
    case $name in
      cpu) set -- cpu,cpuacct ;;
      net_cls) set -- net_cls,net_prio ;;
      cpuacct | net_prio) continue ;;
      *) set -- "$name" ;;
    esac
    mkdir "/sys/fs/cgroup/$1"
    mount -t cgroup -o "nosuid,nodev,noexec,$1" cgroup "/sys/fs/cgroup/$1" || rmdir "/sys/fs/cgroup/$1"
  done
  ln -s cpu,cpuacct /sys/fs/cgroup/cpu
  ln -s cpu,cpuacct /sys/fs/cgroup/cpuacct
}

# Its root has no processes then, so that it may hand controllers down like any other.
mount_v2() {
  mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
  mkdir /sys/fs/cgroup/init.scope
  echo $$ >/sys/fs/cgroup/init.scope/cgroup.procs
  for name in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$name" >/sys/fs/cgroup/cgroup.subtree_control
  done
}

"mount_$(parameter unboxed.cgroup)"

# As systemd does: what a container lets spread to its host is found.
mount --make-rshared /

mkdir -p /unboxed
tar -xf /dev/vdb -C /unboxed --no-same-owner
mv /unboxed/.guest-run /run/unboxed/run
mkdir -p /unboxed/node_modules
mount --bind /opt/unboxed/packages/node_modules /unboxed/node_modules
cd /unboxed || exit 1

export HOME=/root USER=root LANG=C.UTF-8 NODE_COMPILE_CACHE=/tmp/node-compile-cache
export UNBOXED_RESULTS=/dev/virtio-ports/results
. /run/unboxed/run/environment

if [ -c /dev/hvc0 ]; then
  stty rows "${LINES:-24}" cols "${COLUMNS:-80}" </dev/hvc0
  setsid --ctty --wait sh /run/unboxed/run/command </dev/hvc0 >/dev/hvc0 2>&1
else
  sh /run/unboxed/run/command </dev/null >/dev/virtio-ports/output 2>&1
fi
echo $? >/dev/virtio-ports/exit
echo o >/proc/sysrq-trigger
sleep 60
