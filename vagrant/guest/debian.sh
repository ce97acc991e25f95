# Runs as root inside the new Debian, when its packages are configured and before it is packed. What
# it leaves depends on nothing but the packages: no key, no date, no name of the machine it ran on.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8

# Vagrant's user: reached by key only, root for the asking.
useradd --create-home --uid 1000 --shell /bin/bash vagrant
rm -f /home/vagrant/.bash_logout

systemctl enable systemd-networkd.service systemd-resolved.service ssh.service
# Nothing works in the background while somebody measures, and nothing asks for a network.
systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
  e2scrub_reap.service fstrim.timer systemd-networkd-wait-online.service

# Now that every package which has a say in it is configured.
for kernel in /lib/modules/*; do
  update-initramfs -c -k "${kernel##*/}"
done

# The image that the boot sector loads. The rest of GRUB lies where grub-install would put it, so
# that update-grub and grub-install work in the guest as in any other.
boot_image() { # format directory modules
  mkdir -p "/boot/grub/$1"
  cp "/usr/lib/grub/$1"/*.mod "/usr/lib/grub/$1"/*.lst "/boot/grub/$1/"
  cp /usr/share/grub/unicode.pf2 /boot/grub/
  printf 'search.fs_uuid %s root\nset prefix=($root)/boot/grub\n' "$ROOT_UUID" >/tmp/early.cfg
  grub-mkimage --format="$1" --config=/tmp/early.cfg --prefix=/boot/grub --output="$2" $3
  rm /tmp/early.cfg
}
case $(dpkg --print-architecture) in
  amd64)
    boot_image i386-pc /boot/grub/i386-pc/core.img 'biosdisk part_msdos ext2 search_fs_uuid normal'
    cp /usr/lib/grub/i386-pc/boot.img /boot/grub/i386-pc/
    ;;
  arm64)
    boot_image arm64-efi /boot/grub/arm64-efi/core.efi 'part_gpt ext2 search_fs_uuid normal'
    ;;
esac

# Every user's password was last changed on the same day, whatever day it is.
sed -i -E 's/^([^:]*:[^:]*):[0-9]*:/\1:19000:/' /etc/shadow
rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- /etc/.pwd.lock
rm -f /etc/ssh/ssh_host_* /etc/machine-id /var/lib/dbus/machine-id /etc/resolv.conf /etc/hostname
mv /etc/dpkg/dpkg.cfg.d/99mmdebstrap /etc/dpkg/dpkg.cfg.d/unboxed
rm -f /etc/apt/apt.conf.d/99mmdebstrap /etc/apt/sources.list /etc/apt/sources.list.d/*
rm -f /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old
rm -f /var/lib/systemd/random-seed /var/lib/apt/extended_states.old
# apt's lists and archives are mmdebstrap's to clear: it does so next, with a configuration of its
# own in /tmp here. Were that gone, apt-get would clear those of the machine that builds.
rm -rf /var/backups/* /run/* /var/tmp/*
find /var/log -type f -delete
find / -xdev -name __pycache__ -prune -exec rm -rf {} +
