#!/bin/sh
# Unpacks Debian's libreswan into a folder: as a package it conflicts with strongSwan. What it needs besides must be
# installed: see .ci/run. With a compiler, makes the stand-in for a kernel without ESP as well.
#
#     tests/interop/unpack_libreswan.sh FOLDER
#     LIBRESWAN_ROOT=FOLDER deno task test tests/interop
set -eu

folder=${1:?"usage: unpack_libreswan.sh FOLDER"}
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$folder"
cd "$folder"
if [ ! -x usr/libexec/ipsec/pluto ]; then
  apt-get -q -o APT::Sandbox::User=root download libreswan
  dpkg-deb -x libreswan_*.deb .
  rm libreswan_*.deb
fi
cc -Wall -Wextra -Werror -shared -fPIC -o fake_xfrm.so "$here/_fake_xfrm.c"
