#!/usr/bin/env bash
# Installs, upgrades and purges the package in a bare Debian, and looks at its parts as Debian's own tools do.
# usage: ./dev package --check   (needs root; takes some minutes)
set -euo pipefail

readonly here=${0%/*}
readonly python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

note() { printf '  %s\n' "$*"; }

fail() {
  printf 'the package: %s\n' "$*" >&2
  exit 1
}

in_debian() { chroot "$work/debian" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }

build_packages() {
  "$python" "$here/deb.py" --output "$work/one" >/dev/null
  "$python" "$here/deb.py" --output "$work/two" >/dev/null
  cmp "$work"/one/*.deb "$work"/two/*.deb || fail "two builds differ"
  "$python" "$here/deb.py" --output "$work/next" --version 99.0.0 >/dev/null
  note "two builds are equal to the byte"
}

look_at_parts() {
  dpkg-deb -x "$work"/one/*.deb "$work/parts"
  local share=$work/parts/usr/share page unit
  for page in "$share"/man/man1/*.gz; do
    [[ -z $(man --warnings -l -Tutf8 "$page" 2>&1 >/dev/null) ]] || fail "$page has warnings"
  done
  bash -n "$share/bash-completion/completions/bemi"
  zsh -n "$share/zsh/vendor-completions/_bemi"
  fish -n "$share/fish/vendor_completions.d/bemi.fish"
  for unit in "$work"/parts/lib/systemd/system/*.service; do
    systemd-analyze security --offline=true --threshold=20 "$unit" >/dev/null || fail "$unit is exposed"
  done
  [[ -z $(lintian --allow-root "$work"/one/*.deb) ]] || fail "lintian complains"
  note "man pages, completions, units and lintian have no complaint"
}

install_and_purge() {
  local sources=/etc/apt/sources.list.d/debian.sources
  [[ -e $sources ]] || sources=/etc/apt/sources.list
  mmdebstrap --quiet --variant=minbase bookworm "$work/debian" "$sources"
  cp "$work"/one/*.deb "$work/debian/one.deb"
  cp "$work"/next/*.deb "$work/debian/next.deb"
  in_debian apt-get update -qq
  in_debian apt-get install -y -qq --no-install-recommends /one.deb >/dev/null
  in_debian bemi --version
  [[ $(in_debian stat -c '%U:%G %a' /etc/bemi) == 'root:bemi 750' ]] || fail "/etc/bemi is open"
  in_debian bemi run >/dev/null 2>&1 && fail "bemi run needs an address"
  echo 'name = "shop"' >"$work/debian/etc/bemi/shop.toml"
  in_debian apt-get install -y -qq /next.deb >/dev/null
  [[ -e $work/debian/etc/bemi/shop.toml ]] || fail "an upgrade lost the settings"
  # shellcheck disable=SC2016 # dpkg-query expands it
  [[ $(in_debian dpkg-query -W -f '${Version}' bemi) == 99.0.0 ]] || fail "it was not upgraded"
  in_debian apt-get purge -y -qq bemi >/dev/null
  in_debian getent passwd bemi && fail "its user is left"
  [[ ! -e $work/debian/etc/bemi && ! -e $work/debian/usr/bin/bemi ]] || fail "files are left"
  note "installed, upgraded and purged in a bare Debian"
}

build_packages
look_at_parts
install_and_purge
