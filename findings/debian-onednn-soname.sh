#!/usr/bin/env bash
# Debian 13's oneDNN cannot be loaded by the name that oneDNN's own build gives it.
#
# Package libdnnl3.6, version 3.7.2+ds-2 (Debian 13, trixie, amd64), looked at on 2026-11-30. Its library tells the dynamic linker that it is called
# libdnnl.so.3.6, and the package installs that name and libdnnl.so.3.7 (the file itself), but no libdnnl.so.3. The 3.6 is the release with which Debian
# last changed the name, not the release inside, which is 3.7.2: neither the package's name nor the file's name tells the version. Whoever opens
# "libdnnl.so.3" (a P/Invoke, ctypes, dlopen), as is right after `cmake --install` of the same source, finds nothing on Debian 13, although the package is
# there. What to try on Linux: libdnnl.so.3 (upstream's name), then libdnnl.so.3.6 (Debian 13); the version only from dnnl_version().
#
# Seen: SONAME libdnnl.so.3.6; files libdnnl.so.3.6 libdnnl.so.3.7
set -euo pipefail
version=3.7.2+ds-2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v readelf >/dev/null || { echo "this needs binutils" >&2; exit 2; }

# A private state of apt, from the archive that this machine already uses: neither root nor the machine's own lists are touched.
mkdir -p "$work"/{lists/partial,cache/archives/partial,sources,root}
base=$(apt-get update --print-uris 2>/dev/null | sed -n "s|^'\(.*\)/dists/[^/']*/\(In\)\?Release'.*|\1|p" | grep -v security | head -n 1)
printf 'Types: deb\nURIs: %s\nSuites: trixie\nComponents: main\nTrusted: yes\n' "$base" >"$work/sources/trixie.sources"
apt=(-qq -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Languages=none
    -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources")
(cd "$work" && apt-get "${apt[@]}" update && apt-get "${apt[@]}" download "libdnnl3.6=$version") </dev/null
dpkg-deb -x "$work"/libdnnl3.6_*.deb "$work/root"

folder=$(dirname "$(find "$work/root" -name 'libdnnl.so.*' -type f)")
soname=$(readelf -d "$folder"/libdnnl.so.3.7 | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
files=$(cd "$folder" && echo libdnnl.so*)
echo "SONAME $soname; files $files"
[[ $soname == libdnnl.so.3.6 && $files == "libdnnl.so.3.6 libdnnl.so.3.7" && ! -e $folder/libdnnl.so.3 ]]
