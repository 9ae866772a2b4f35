#!/bin/sh
# build.sh OUT [VERSION [names]]: builds the protocol double into the folder OUT, with c++ and the headers in native/headers.
# VERSION is what its cuDNN says it is, 90800 without. Nothing is done where OUT is up to date.
# With the word `names` only the files that hold nothing but a version: cuDNN's entry and the parts without functions.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { echo "usage: build.sh OUT [VERSION]" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
version=${2:-90800}
headers=${CONVNATIVE_ABI_HEADERS:-$here/../../native/headers}
stamp=$(cat "$here"/*.cpp "$here"/*.h "$here"/build.sh "$headers"/*.h | cksum)-$version${3:-}
[ -f "$out/stamp" ] && [ "$(cat "$out/stamp")" = "$stamp" ] && exit 0
rm -rf "$out/core" "$out/source"
mkdir -p "$out/core" "$out/source"
cp "$here/kernel_shim.h" "$here/module.h" "$out/source"
flags="-shared -fPIC -O2 -std=c++17 -Wall -Wextra -Wno-cast-function-type -Wno-free-nonheap-object -fvisibility=hidden -DCUDNN_DOUBLE_VERSION=$version -I$headers -I$here"
lib() { # name, sources...
    name=$1; shift
    c++ $flags -Wl,-soname,"$name" -Wl,-rpath,'$ORIGIN/core' -o "$out/$name" "$@" -L"$out/core" -lconvnative_double -ldl
}
if [ "${3:-}" != names ]; then
c++ $flags -fvisibility=default -Wl,-soname,libconvnative_double.so -o "$out/core/libconvnative_double.so" "$here/double.cpp"
( lib libcudart.so.12 "$here/cudart.cpp"; lib libcuda.so.1 "$here/driver.cpp"; lib libnvrtc.so.12 "$here/nvrtc.cpp"; lib libcublas.so.12 "$here/cublas.cpp" ) &
first=$!
( lib libcudnn_graph.so.9 "$here"/cudnn_graph.cpp "$here"/cudnn_finalize.cpp "$here"/cudnn_attributes.cpp "$here"/cudnn_engines.cpp "$here"/cudnn_math.cpp ) &
second=$!
fi
for part in ops cnn adv engines_precompiled engines_runtime_compiled heuristic; do
    c++ $flags -DPART=$part -Wl,-soname,libcudnn_$part.so.9 -o "$out/libcudnn_$part.so.9" "$here/cudnn_part.cpp"
done
c++ $flags -Wl,-soname,libcudnn.so.9 -o "$out/libcudnn.so.9" "$here/cudnn_shim.cpp" -ldl
# Libraries that are only looked for.
c++ $flags -DPART=nvrtc_builtins -Wl,-soname,libnvrtc-builtins.so.12.8 -o "$out/libnvrtc-builtins.so.12.8" "$here/cudnn_part.cpp"
c++ $flags -DPART=cublasLt -Wl,-soname,libcublasLt.so.12 -o "$out/libcublasLt.so.12" "$here/cudnn_part.cpp"
if [ "${3:-}" != names ]; then
    wait $first
    wait $second
fi
echo "$stamp" > "$out/stamp"
