#!/bin/bash
# Run a command as an ordinary user, from root:  tests/as_user.sh .venv/bin/pytest tests/unit/test_sandbox_run.py
#
# Folders that only root may enter (a home of mode 0700 with the interpreter or the clone in it) are replaced, in a
# mount namespace of the command's own, by folders that hold nothing but these. PYTHON names the interpreter, else it
# is the clone's .venv/bin/python, else python3. Nothing outside changes and nothing is left.
set -euo pipefail
umask 022
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
if [ -z "${AS_USER_INSIDE:-}" ]; then
  AS_USER_INSIDE=1 exec unshare --mount --propagation private bash "${BASH_SOURCE[0]}" "$@"
fi
unset AS_USER_INSIDE
python=${PYTHON:-$root/.venv/bin/python}
[ -x "$python" ] || python=python3

# Every folder that the command needs, as it is written and as it is.
declare -A real
while IFS=$'\t' read -r path target; do
  real[$path]=$target
done < <("$python" -I -c '
import os, sys
paths = [sys.base_prefix, sys.prefix, sys._base_executable, sys.argv[1], os.getcwd()]
for path in {*paths, *map(os.path.realpath, paths)}:
    print(path, os.path.realpath(path), sep="\t")' "$root")

# The first folder on the way to a path that others may not enter.
closed_on_the_way() {
  local part="" name
  local IFS=/
  for name in ${1#/}; do
    part="$part/$name"
    if [ -d "$part" ] && [ ! -L "$part" ] && [ $((8#$(stat -c %a "$part") & 1)) = 0 ]; then
      echo "$part"
      return
    fi
  done
}

stage=$(mktemp -d)
mount -t tmpfs -o mode=755 as-user "$stage"
declare -A closed kept
for path in "${!real[@]}"; do
  over=$(closed_on_the_way "$path")
  [ -n "$over" ] || continue
  if [ "$over" = "$path" ]; then
    echo "tests/as_user.sh: $path is closed to others itself (chmod o+rx it, with all that it holds)" >&2
    exit 2
  fi
  closed[$over]=1
  if [ -d "$path" ] && [ ! -L "$path" ]; then
    kept[$path]=$over
  fi
done
for path in "${!kept[@]}"; do
  mkdir -p "$stage$path"
  mount --rbind "$path" "$stage$path"
done
for over in "${!closed[@]}"; do
  mount -t tmpfs -o mode=755 as-user "$over"
done
while read -r path; do  # a folder before what lies in it
  [ -n "$path" ] || continue
  mkdir -p -m 755 "$path"
  mount --rbind "$stage$path" "$path"
done < <(printf '%s\n' "${!kept[@]}" | sort)
for path in "${!real[@]}"; do
  if [ ! -e "$path" ]; then  # it was a link to one of these
    mkdir -p -m 755 "$(dirname "$path")"
    ln -s "${real[$path]}" "$path"
  fi
done
umount -R "$stage"
rmdir "$stage"

home=$(mktemp -d)
chown 1000:1000 "$home"
trap 'rm -rf "$home"' EXIT
status=0
setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all --bounding-set=-all -- \
  env HOME="$home" TMPDIR="$home" USER=tester LOGNAME=tester XDG_CONFIG_HOME="$home/.config" PYTHONDONTWRITEBYTECODE=1 \
  "$@" || status=$?
exit "$status"
