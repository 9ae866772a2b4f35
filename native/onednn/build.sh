#!/usr/bin/env bash
# Yields a usable libdnnl.so.3 (oneDNN 3.5 or newer) and says which of four ways was taken:
#   1  the file or folder that CONVNATIVE_ONEDNN names
#   2  the system's library
#   3  the user's cache, ${XDG_CACHE_HOME:-~/.cache}/convnative/onednn
#   4  one build from pinned source, into that cache (source.env, options.cmake, trim.cmake, left_out.cpp, caches.h)
# Exit codes: 0 done, 1 the build failed, 2 CONVNATIVE_ONEDNN names nothing usable, 3 no way is open on this machine.
#
#   --build       take way 4 or 3 even where way 1 or 2 is open
#   --find        take way 1, 2 or 3; exit code 3 at once where only way 4 is left
#   --key         print the cache key of this recipe and stop
#
# CONVNATIVE_ONEDNN_TARBALL names a copy of the source tarball for a machine without network.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=source.env
source "$here/source.env"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/convnative/onednn
wanted_major=3 wanted_minor=5
work=

say() { printf 'onednn: %s\n' "$*"; }
die() {
    local code=$1
    shift
    printf 'onednn: %s\n' "$@" >&2
    exit "$code"
}
cleanup() { [[ -z $work ]] || rm -rf "$work"; }
trap cleanup EXIT

# An AMD processor whose hypervisor hides its caches: a library that does not know of it computes wrong results there (caches.h).
hides_caches() {
    grep -q AuthenticAMD /proc/cpuinfo 2>/dev/null && [[ ! -e /sys/devices/system/cpu/cpu0/cache/index0 ]]
}
knows_caches() { grep -qa convnative_knows_caches "$1"; }

# ---- what is there ----------------------------------------------------------------------------------------------

# The library's version as MAJOR.MINOR, from the name of the real file; nothing when the name doesn't tell.
version_of() {
    local name
    name=$(basename "$(readlink -f "$1")")
    if [[ $name =~ ^libdnnl\.(so\.)?([0-9]+\.[0-9]+)(\.[0-9]+)*(\.dylib)?$ ]]; then
        printf '%s\n' "${BASH_REMATCH[2]}"
        return
    fi
    probe "$1"
}

# Asks the library itself, where a compiler is at hand.
probe() {
    local dir
    command -v cc >/dev/null || return 0
    dir=$(mktemp -d)
    cat >"$dir/probe.c" <<'C'
#include <dlfcn.h>
#include <stdio.h>
int main(int count, char **values) {
    void *library = count > 1 ? dlopen(values[1], RTLD_NOW) : 0;
    const int *(*version)(void) = library ? (const int *(*)(void))dlsym(library, "dnnl_version") : 0;
    if (version) printf("%d.%d\n", version()[0], version()[1]);
    return 0;
}
C
    cc "$dir/probe.c" -o "$dir/probe" -ldl 2>/dev/null && "$dir/probe" "$1" 2>/dev/null || true
    rm -rf "$dir"
}

new_enough() {
    local major=${1%%.*} minor=${1#*.}
    [[ $1 =~ ^[0-9]+\.[0-9]+$ ]] && ((major == wanted_major && minor >= wanted_minor))
}

from_user() {
    local name=$CONVNATIVE_ONEDNN candidate
    if [[ -f $name ]]; then
        printf '%s\n' "$name"
        return
    fi
    for candidate in "$name" "$name"/lib "$name"/lib64 "$name"/lib/*-linux-gnu; do
        for candidate in "$candidate"/libdnnl.so.3 "$candidate"/libdnnl.3.dylib; do
            if [[ -f $candidate ]]; then
                printf '%s\n' "$candidate"
                return
            fi
        done
    done
}

from_system() {
    local ldconfig path version
    ldconfig=$(PATH=$PATH:/sbin:/usr/sbin command -v ldconfig) || return 0
    while read -r path; do
        version=$(version_of "$path")
        if new_enough "$version" && hides_caches && ! knows_caches "$path"; then
            say "the system's $path takes this machine's hidden caches for one byte and computes wrong results: not used" >&2
        elif new_enough "$version"; then
            printf '%s\n' "$path"
            return
        else
            say "the system's $path is version ${version:-unknown}, $wanted_major.$wanted_minor or newer is wanted" >&2
        fi
    done < <("$ldconfig" -p 2>/dev/null | awk '$1 == "libdnnl.so.3" || $1 == "libdnnl.so.3.6" { print $NF }')
}

cache_key() {
    {
        printf '%s %s\n' "$ONEDNN_SHA256" "$(uname -s -m)"
        cat "$here/options.cmake" "$here/trim.cmake" "$here/left_out.cpp" "$here/caches.h"
    } | sha256sum | cut -c1-16
}

# `current` is what the loader looks for: it needs no hash to find it. Replaced in one step.
point_current() {
    ln -sfn "$1" "$cache/.current.$$"
    mv -T "$cache/.current.$$" "$cache/current"
}

# ---- way 4 ------------------------------------------------------------------------------------------------------

no_way() {
    die 3 "no oneDNN here: $1" \
        "Install version $wanted_major.$wanted_minor or newer, or name a copy: CONVNATIVE_ONEDNN=/path/to/libdnnl.so.3" \
        "  Debian 13:   sudo apt-get install libdnnl3.6" \
        "  Fedora:      sudo dnf install onednn" \
        "  Arch:        sudo pacman -S onednn" \
        "  Homebrew:    brew install onednn" \
        "  vcpkg:       vcpkg install onednn" \
        "  conda-forge: conda install -c conda-forge onednn"
}

# Installs what is missing where that needs no question (root on Debian); otherwise says what to install.
need_tools() {
    local missing=() entry
    for entry in cmake:cmake c++:g++ xz:xz-utils make:make; do
        command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
    done
    command -v ninja >/dev/null || missing+=(ninja-build)
    ((${#missing[@]})) || return 0
    if ((EUID == 0)) && command -v apt-get >/dev/null; then
        say "installing ${missing[*]}"
        install_packages "${missing[@]}" || true
    fi
    missing=()
    for entry in cmake:cmake c++:g++ xz:xz-utils; do
        command -v "${entry%%:*}" >/dev/null || missing+=("${entry#*:}")
    done
    if ((${#missing[@]})); then
        no_way "the build from source needs ${missing[*]} (sudo apt-get install ${missing[*]})"
    fi
    command -v ninja >/dev/null || command -v make >/dev/null \
        || no_way "the build from source needs ninja or make (sudo apt-get install ninja-build)"
}

install_packages() {
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 && return
    apt-get update -qq >/dev/null 2>&1 || true
    apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null
}

# The archives that this machine already uses, security ones aside: apt reads both formats of its sources itself.
archive_bases() {
    apt-get update --print-uris "$@" 2>/dev/null \
        | sed -n "s|^'\(.*\)/dists/[^/']*/\(In\)\?Release'.*|\1|p" | grep -v security | awk '!seen[$0]++'
}

good_sum() { printf '%s  %s\n' "$ONEDNN_SHA256" "$1" | sha256sum --check --status; }

fetch() {
    local target=$1 base apt=() private=$work/apt keep=$cache/source/$ONEDNN_TARBALL
    if [[ -n ${CONVNATIVE_ONEDNN_TARBALL:-} ]]; then
        good_sum "$CONVNATIVE_ONEDNN_TARBALL" \
            || die 1 "$CONVNATIVE_ONEDNN_TARBALL is missing or its sha256 is not $ONEDNN_SHA256"
        cp "$CONVNATIVE_ONEDNN_TARBALL" "$target"
        return
    fi
    if [[ -f $keep ]] && good_sum "$keep"; then
        say "source: $keep"
        cp "$keep" "$target"
        return
    fi
    command -v apt-get >/dev/null \
        || no_way "no library was found, and the build from source takes its source with apt-get"

    # A private state, so that neither root nor the machine's own lists are touched. The signature is not checked:
    # Debian 12's keyring may be older than the suite, and the pinned sum says more than it would.
    mkdir -p "$private"/{lists/partial,cache/archives/partial,sources,download}
    apt=(-o "Dir::State::lists=$private/lists" -o "Dir::Cache=$private/cache" -o Debug::NoLocking=1
        -o APT::Sandbox::User= -o Acquire::Languages=none)
    for base in $(archive_bases "${apt[@]}"); do
        say "source: $ONEDNN_PACKAGE $ONEDNN_PACKAGE_VERSION from $base, suite $ONEDNN_SUITE"
        printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\nTrusted: yes\n' \
            "$base" "$ONEDNN_SUITE" >"$private/sources/source.sources"
        # apt's own words only matter when it fails: hooks of the machine complain where there is no root.
        if (
            cd "$private/download"
            apt+=(-o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$private/sources")
            apt-get -qq "${apt[@]}" update \
                && apt-get -qq "${apt[@]}" source --download-only "$ONEDNN_PACKAGE=$ONEDNN_PACKAGE_VERSION"
        ) </dev/null >"$private/log" 2>&1 && [[ -f $private/download/$ONEDNN_TARBALL ]]; then
            good_sum "$private/download/$ONEDNN_TARBALL" \
                || die 1 "the sha256 of $ONEDNN_TARBALL from $base is not $ONEDNN_SHA256: not used"
            mv "$private/download/$ONEDNN_TARBALL" "$target"
            mkdir -p "$cache/source"
            cp "$target" "$keep.$$" && mv "$keep.$$" "$keep"
            return
        fi
        sed 's/^/onednn:   /' "$private/log" | tail -n 10 >&2
    done
    no_way "no archive in this machine's apt sources gave $ONEDNN_PACKAGE $ONEDNN_PACKAGE_VERSION ($ONEDNN_SUITE)"
}

# Turns the build tool's lines into one line every 5 percent, or every 15 seconds when that comes first.
progress() {
    local line percent last=-5 since=$SECONDS
    while IFS= read -r line; do
        if [[ $line =~ ^\[\ *([0-9]+)/([0-9]+)\] ]]; then
            percent=$((BASH_REMATCH[1] * 100 / BASH_REMATCH[2]))
        elif [[ $line =~ ^\[\ *([0-9]+)%\] ]]; then
            percent=${BASH_REMATCH[1]}
        else
            continue
        fi
        if ((percent >= last + 5 || (SECONDS >= since + 15 && percent > last))); then
            say "$(printf '%3d%%, %d:%02d elapsed' "$percent" $((SECONDS / 60)) $((SECONDS % 60)))"
            last=$percent since=$SECONDS
        fi
    done
}

build() {
    local key=$1 jobs memory generator log=$work/build.log
    fetch "$work/source.tar.xz"
    mkdir "$work/source"
    tar -xf "$work/source.tar.xz" -C "$work/source" --strip-components=1

    # A compiler process takes up to 1 GB.
    jobs=$(nproc)
    memory=$(awk '/^MemAvailable:/ { print int($2 / 1048576) }' /proc/meminfo 2>/dev/null || true)
    if [[ -n $memory ]] && ((memory < jobs)); then jobs=$((memory > 0 ? memory : 1)); fi
    generator='Unix Makefiles'
    if command -v ninja >/dev/null; then generator=Ninja; fi
    say "building with $(c++ --version | head -n 1), $generator, $jobs jobs"

    if ! cmake -G "$generator" -C "$here/options.cmake" -S "$work/source" -B "$work/build" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        die 1 "cmake failed (cmake 3.19 or newer is needed; this is $(cmake --version | head -n 1))"
    fi
    if ! NINJA_STATUS='[%f/%t] ' cmake --build "$work/build" --parallel "$jobs" 2>&1 </dev/null \
        | tee -a "$log" | progress; then
        grep -vE '^\[ *[0-9]+' "$log" | tail -n 40 >&2
        cp "$log" "$cache/failed.log"
        die 1 "the build failed; its log is $cache/failed.log"
    fi
    cmake --install "$work/build" --prefix "$work/inst" --strip >>"$log"

    cc "$here/smoke.c" -o "$work/smoke" -I"$work/inst/include" -L"$work/inst/lib" -l:libdnnl.so.3
    LD_LIBRARY_PATH=$work/inst/lib "$work/smoke" >"$work/smoke.log" 2>&1 \
        || die 1 "the library was built, but a convolution through it is wrong:" "$(cat "$work/smoke.log")"
    say "checked: $(cat "$work/smoke.log")"
    {
        printf 'source  %s %s, sha256 %s\n' "$ONEDNN_PACKAGE" "$ONEDNN_PACKAGE_VERSION" "$ONEDNN_SHA256"
        printf 'key     %s\n' "$key"
        printf 'with    %s, %s jobs, %s seconds\n' "$(c++ --version | head -n 1)" "$jobs" "$SECONDS"
    } >"$work/inst/convnative.txt"
    # Whole or not at all.
    mv -T "$work/inst" "$cache/$key"
}

# ---- the four ways ----------------------------------------------------------------------------------------------

only_build='' only_find=''
case ${1:-} in
    '') ;;
    --build) only_build=1 ;;
    --find) only_find=1 ;;
    --key)
        cache_key
        exit
        ;;
    *) die 2 "unknown argument: $1" ;;
esac

if [[ -z $only_build && -n ${CONVNATIVE_ONEDNN:-} ]]; then
    found=$(from_user)
    [[ -n $found ]] || die 2 "CONVNATIVE_ONEDNN=$CONVNATIVE_ONEDNN: neither a library nor a folder with libdnnl.so.3"
    version=$(version_of "$found")
    new_enough "$version" \
        || die 2 "CONVNATIVE_ONEDNN=$found: version ${version:-unknown}, $wanted_major.$wanted_minor or newer is wanted"
    say "way 1 of 4 (CONVNATIVE_ONEDNN): $found, version $version"
    exit
fi

if [[ -z $only_build ]]; then
    found=$(from_system)
    if [[ -n $found ]]; then
        say "way 2 of 4 (the system's library): $found, version $(version_of "$found")"
        exit
    fi
fi

[[ $(uname -s) == Linux ]] || no_way "it is built from source on Linux only"
mkdir -p "$cache"
key=$(cache_key)
library=$cache/$key/lib/libdnnl.so.3
if [[ -f $library ]]; then
    point_current "$key"
    say "way 3 of 4 (the user's cache): $library, version $(version_of "$library")"
    exit
fi

if [[ -n $only_find ]]; then
    exit 3
fi

need_tools
exec 9>"$cache/.lock"
if ! flock -n 9; then
    say "another process is building; waiting for it"
    flock 9
fi
if [[ -f $library ]]; then
    point_current "$key"
    say "way 3 of 4 (the user's cache, just built by another process): $library"
    exit
fi
say "way 4 of 4 (one build from pinned source): this takes several minutes, once"
# What a killed run left behind; the lock says that nobody uses it.
rm -rf "$cache"/.work.*
work=$(mktemp -d "$cache/.work.XXXXXX")
build "$key"
point_current "$key"
say "way 4 of 4 (one build from pinned source), done in $((SECONDS / 60)) min $((SECONDS % 60)) s: $library"
