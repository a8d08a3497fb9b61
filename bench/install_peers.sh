#!/bin/sh
# Installs what `deno task bench` compares with, on Debian 12 as root. The newer wireguard-go of Debian's backports is
# unpacked beside the packaged one; the system's own package sources stay as they are.
set -eu

if [ "$(id -u)" != 0 ]; then
  echo "install_peers.sh: needs root: run it with sudo" >&2
  exit 1
fi
. /etc/os-release
if [ "${VERSION_CODENAME:-}" != bookworm ]; then
  echo "install_peers.sh: is for Debian 12 (bookworm), this is ${PRETTY_NAME:-another system}" >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# strongSwan's AES-GCM and its user-space ESP are in packages that it only recommends.
apt-get install -y -qq --no-install-recommends \
  strongswan strongswan-swanctl libstrongswan-standard-plugins libstrongswan-extra-plugins libcharon-extra-plugins \
  wireguard-go wireguard-tools iperf3 iputils-ping iproute2

newer=/usr/local/bin/wireguard-go-backports
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
mkdir -p "$temporary/parts" "$temporary/lists/partial" "$temporary/archives/partial"

# The mirror that the machine uses already: the first one that carries bookworm itself.
mirror=
if [ -r /etc/apt/sources.list.d/debian.sources ]; then
  mirror=$(sed -n 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources | head -n 1)
fi
if [ -z "$mirror" ] && [ -r /etc/apt/sources.list ]; then
  mirror=$(sed -n 's/^deb[[:space:]]\(\[[^]]*\][[:space:]]*\)\{0,1\}\([^[:space:]]*\)[[:space:]]bookworm[[:space:]].*/\2/p' \
    /etc/apt/sources.list | head -n 1)
fi
if [ -z "$mirror" ]; then
  echo "install_peers.sh: no mirror found in /etc/apt: $newer is left as it is" >&2
  exit 1
fi

printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s bookworm-backports main\n' "$mirror" \
  >"$temporary/sources.list"
apt_backports() {
  apt-get -q \
    -o Dir::Etc::sourcelist="$temporary/sources.list" -o Dir::Etc::sourceparts="$temporary/parts" \
    -o Dir::State::lists="$temporary/lists" -o Dir::Cache::archives="$temporary/archives" \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
apt_backports update
cd "$temporary"
apt_backports download wireguard-go/bookworm-backports
dpkg-deb -x wireguard-go_*.deb unpacked
install -m 755 unpacked/usr/bin/wireguard-go "$newer.new"
mv "$newer.new" "$newer"
echo "installed; $newer is $("$newer" --version 2>&1 | head -n 1)"
