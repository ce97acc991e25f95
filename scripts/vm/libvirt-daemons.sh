# Starts libvirt's daemons with everything they keep below DIRECTORY, and ends; they go on. Runs in a
# mount and a network namespace of their own: bridges, rules and the guests' network are in there,
# and nothing of the host's /etc, /var and /run is changed.
#
#   unshare --net --mount --propagation slave sh libvirt-daemons.sh DIRECTORY
#
# libvirtd(8), virtlogd(8), and qemu.conf as libvirt ships it
set -eu
cd "$1"
# Sockets and pid files of another start of this computer mean nothing any more.
rm -rf run
mkdir -p etc lib log cache run
cat >etc/qemu.conf <<'END'
# Guests are root's, as the daemons are: as any other user QEMU would be asked for its abilities
# again on every call, where /dev/kvm is there and of no use.
user = "root"
group = "root"
# There is no systemd here that would hand out cgroups, and no security module.
cgroup_controllers = [ ]
security_driver = "none"
namespaces = [ ]
END
mkdir -p /run/libvirt
mount --bind etc /etc/libvirt
mount --bind lib /var/lib/libvirt
mount --bind log /var/log/libvirt
mount --bind cache /var/cache/libvirt
mount --bind run /run/libvirt
ip link set lo up
for daemon in virtlogd libvirtd; do
  setsid "$daemon" --pid-file "/run/libvirt/$daemon.pid" >"log/$daemon.out" 2>&1 </dev/null &
done
