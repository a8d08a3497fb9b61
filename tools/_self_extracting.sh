#!/bin/sh
# ipsec of oneswan: this header, and behind it a compressed archive with the runtime and the program. They are unpacked
# once into a cache folder named for their content; every later start only checks that the folder is still ours alone.
key=@KEY@ skip=@SKIP@ kilobytes=@KILOBYTES@

case $0 in
/*) self=$0 ;;
*/*) self=$PWD/$0 ;;
*) self=$(command -v -- "$0") && case $self in /*) ;; *) self=$PWD/$0 ;; esac ;;
esac

# No other user may be able to put anything in or exchange the folder: it is ours and closed to others, and what
# it lies in is ours or root's and closed to others or sticky.
trusted() {
  [ -d "$base" ] && [ -O "$base" ] && [ ! -L "$base" ] || return 1
  modes=$(LC_ALL=C ls -dn -- "${base%/*}/." "$@" 2>/dev/null) || return 1
  above=1
  while read -r mode links owner rest; do
    case $above$mode in
    1d????w???[!tT]* | 1d???????w[!tT]*) return 1 ;;
    1d*) [ "$owner" = 0 ] || [ -O "${base%/*}/." ] || return 1 ;;
    0drwx------*) ;;
    *) return 1 ;;
    esac
    above=0
  done <<MODES
$modes
MODES
}

# Unpacks into folder $1, checks every file, writes the marker last.
unpack() (
  cd "$1" || exit 1
  tail -c "+$skip" -- "$self" | gzip -dc | tar -xf - || exit 1
  sha256sum -c - >/dev/null 2>&1 <<SUMS || exit 1
@SUMS@
SUMS
  sync -- * 2>/dev/null # a power failure must not leave a marker beside empty files
  : >complete
)

# Removes a folder without its marker, which somebody has spoiled. One at a time, and looked at again: meanwhile another may
# have put a good one in its place and be running from it.
remove_spoiled() {
  [ -e "$base/program-$key" ] && [ ! -e "$base/program-$key/complete" ] || return 0
  mkdir -- "$base/lock.$key" 2>/dev/null || return 0
  [ -e "$base/program-$key/complete" ] || rm -rf -- "$base/program-$key"
  rmdir -- "$base/lock.$key"
}

# Prepares the cache; where two do so at once, both are right and the second uses the first's.
fill() {
  mkdir -p -m 700 -- "$base" 2>/dev/null && trusted "$base" || return 1
  find "$base" -mindepth 1 -maxdepth 1 -name 'new.*' -mmin +60 -exec rm -rf {} + 2>/dev/null
  find "$base" -mindepth 1 -maxdepth 1 -name 'program-*' -mtime +30 ! -name "program-$key" -exec rm -rf {} + 2>/dev/null
  find "$base" -mindepth 1 -maxdepth 1 -name 'lock.*' -mmin +5 -exec rmdir {} + 2>/dev/null
  new=$(mktemp -d "$base/new.XXXXXX" 2>/dev/null) || return 1
  if unpack "$new"; then
    remove_spoiled
    mv -T -- "$new" "$base/program-$key" 2>/dev/null
  fi
  rm -rf -- "$new"
  program=$base/program-$key
  usable
}

usable() { [ -f "$program/complete" ] && [ -x "$program/deno" ] && [ -O "$program" ] && trusted "$base" "$program"; }

run() {
  export IPSEC_SELF="$self" DENO_NO_UPDATE_CHECK=1 DENO_DIR="$program/deno_dir"
  exec "$program/deno" run @FLAGS@ "$program/ipsec.js" "$@"
}

if [ -n "$IPSEC_CACHEDIR" ]; then base=$IPSEC_CACHEDIR
elif [ -O / ]; then base=/var/cache/oneswan
else base=${XDG_CACHE_HOME:-$HOME/.cache}/oneswan
fi
program=$base/program-$key
unset IPSEC_UNPACKED
usable && run "$@"
old=$(umask) && umask 077
fill && umask "$old" && run "$@"

# The cache cannot be used: a private folder for this run, which the program removes at its end.
for tmp in "${TMPDIR:-/tmp}" /var/tmp /run; do
  program=$(mktemp -d "$tmp/oneswan.XXXXXX" 2>/dev/null) || continue
  if unpack "$program" && [ -x "$program/deno" ]; then
    echo "ipsec: cannot use cache folder $base (not ours alone, not writable, full or noexec); started from $program" >&2
    umask "$old"
    IPSEC_UNPACKED=$program
    export IPSEC_UNPACKED
    run "$@"
  fi
  rm -rf -- "$program"
done
echo "ipsec: cannot unpack $self: $base and ${TMPDIR:-/tmp} need $kilobytes KB in a folder that is yours alone and not mounted noexec; set IPSEC_CACHEDIR to another" >&2
exit 126
