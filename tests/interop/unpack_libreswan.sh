#!/bin/sh
# Unpacks Debian's libreswan into a folder, since as a package it conflicts with strongSwan; installs the libraries that
# it needs, and compiles the stand-in for a kernel without ESP. As root:
#
#     tests/interop/unpack_libreswan.sh FOLDER
#     LIBRESWAN_ROOT=FOLDER deno task test tests/interop
set -eu

folder=${1:?"usage: unpack_libreswan.sh FOLDER"}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cd "$folder"
if [ ! -x usr/libexec/ipsec/pluto ]; then
  apt-get -qq -o APT::Sandbox::User=root download libreswan
  dpkg-deb -f libreswan_*.deb Depends | tr ',' '\n' | sed 's/|.*//; s/(.*//' |
    xargs apt-get install -y -qq --no-install-recommends
  dpkg-deb -x libreswan_*.deb .
  rm libreswan_*.deb
fi
cc -Wall -Wextra -Werror -shared -fPIC -o fake_xfrm.so "$here/_fake_xfrm.c"
