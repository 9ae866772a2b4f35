#!/usr/bin/env bash
# Everything that wants an NVIDIA GPU, in one command on a bare machine without the .NET SDK.
#
#   bench/gpu.sh --pack DIR [--peers DIR]         here: makes the folder that travels (tool, checks, PyTorch's side, this script);
#                                                 artifacts/gpu, say, which git ignores
#   DIR/gpu.sh --out DIR [--resume DIR]... [--minutes N] [--steps a,b]     there: runs what is not done yet
#
# Options there: --minutes N (default 9.5) is the time of one call: what does not fit is left, exit code 4 says so, and a next call with
# --resume and the last call's output folder goes on. --double DIR runs on the tests' protocol double instead of a GPU (no result of it is a GPU's).
# Steps: fingerprint abi devices smoke strict fast opencl torch1 torch32 torch256 deform bench networks.
# Output: at most 8 files: summary.md, fingerprint.txt, log.txt, peers.tsv, peers.md, results.tar.gz (all the rest).
# Exit: 0 all done and good, 1 a check failed, 3 no GPU or library, 4 something is left to do.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pack= out= peers= double= minutes=9.5 steps= resume=()
while (($#)); do
    case $1 in
        --pack) pack=$2; shift 2 ;;
        --peers) peers=$2; shift 2 ;;
        --out) out=$2; shift 2 ;;
        --resume) resume+=("$2"); shift 2 ;;
        --minutes) minutes=$2; shift 2 ;;
        --steps) steps=$2; shift 2 ;;
        --double) double=$(cd "$2" && pwd); shift 2 ;;
        *) sed -n '2,12p' "${BASH_SOURCE[0]}"; exit 2 ;;
    esac
done

if [[ -n $pack ]]; then
    root=$(cd "$here/.." && pwd)
    peers=${peers:-$root/../shared/peers}
    for f in gpu/torch_conv.py shapes.txt; do [[ -f $peers/$f ]] || { echo "gpu.sh: $peers/$f is not there: name the folder with --peers" >&2; exit 2; }; done
    mkdir -p "$pack"
    pack=$(cd "$pack" && pwd)
    # The lock files know no runtime identifier, and the tool is no dotnet tool there.
    dotnet publish "$root/src/Cli" --configuration Release --runtime linux-x64 --self-contained --nologo --verbosity quiet \
        -p:PublishTrimmed=true -p:PackAsTool=false -p:DebugType=none -p:GenerateDocumentationFile=false -p:RestoreLockedMode=false \
        -p:RestorePackagesWithLockFile=false -p:NuGetLockFilePath="$pack/none.lock.json" --output "$pack/tool" || exit 2
    rm -f "$pack/none.lock.json" "$pack"/tool/*.xml "$pack/tool/createdump"
    mkdir -p "$pack/headers"
    cp -f "$root"/native/headers/abi_check.{c,sh} "$pack/headers/"
    cp -f "$here/gpu.sh" "$here/torch_deform.py" "$peers/gpu/torch_conv.py" "$peers/shapes.txt" "$pack/"
    chmod -R u+w "$pack"
    git -C "$root" rev-parse HEAD > "$pack/commit" 2>/dev/null
    du -sh "$pack"
    exit 0
fi

[[ -n $out ]] || { sed -n '2,12p' "${BASH_SOURCE[0]}"; exit 2; }
tool=$here/tool/ConvNative.Cli
[[ -x $tool ]] || { echo "gpu.sh: $tool is not there: run gpu.sh --pack DIR on a machine with the .NET SDK, and DIR/gpu.sh here" >&2; exit 2; }
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for r in ${resume[@]+"${resume[@]}"}; do
    [[ -f $r/results.tar.gz ]] && tar -xzf "$r/results.tar.gz" -C "$work"
done
mkdir -p "$work/done" "$work/steps"
deadline=$(awk -v now="$(date +%s)" -v m="$minutes" 'BEGIN { printf "%d", now + 60 * m }')
left() { echo $((deadline - $(date +%s))); }
say() { echo "$*" | tee -a "$out/log.txt"; }

# The libraries: the double, or the Python environment's packages (cuDNN and CUDA have folders of their own), or whatever the system has.
python=
for p in ${PYTHON:-} python3 python; do command -v "$p" >/dev/null && { python=$p; break; }; done
if [[ -n $double ]]; then
    export CONVNATIVE_CUDNN=$double LD_LIBRARY_PATH=$double${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
elif [[ -z ${CONVNATIVE_CUDNN:-} && -n $python ]]; then
    folders=$("$python" - <<'PY'
import glob, os, sys
seen = []
for p in sys.path:
    for f in sorted(glob.glob(os.path.join(p or ".", "nvidia", "*", "lib"))):
        if f not in seen:
            seen.append(f)
print(":".join(seen) if any(glob.glob(os.path.join(f, "libcudnn.so.9*")) for f in seen) else "")
PY
)
    [[ -n $folders ]] && export CONVNATIVE_CUDNN=$folders
fi
[[ -d /usr/local/nvidia/lib64 ]] && export LD_LIBRARY_PATH=/usr/local/nvidia/lib64${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export DOTNET_CLI_TELEMETRY_OPTOUT=1 XDG_CACHE_HOME=$work/cache

bad=0 undone=
# The tool's 3 says that an engine is not here (OpenCL); abi_check's 2 and 3 that something was not there to check.
good() { [[ $2 == 0 || $2 == 3 || ($1 == abi && $2 == 2) ]]; }
# step NAME SECONDS COMMAND: once; done when the command ends by itself. 124 and 130 (stopped) leave it for the next call.
step() {
    local name=$1 limit=$2 code begin=$SECONDS
    shift 2
    [[ -n $steps && ,$steps, != *,$name,* ]] && return
    if [[ -f $work/done/$name ]]; then
        say "== $name: done in an earlier call ($(cat "$work/done/$name"))"
        good "$name" "$(cat "$work/done/$name")" || bad=1
        return
    fi
    if (($(left) < 25)); then
        undone="$undone $name"
        say "== $name: no time left"
        return
    fi
    (($(left) - 15 < limit)) && limit=$(($(left) - 15))
    say "== $name (at most $limit s)"
    timeout --signal=INT --kill-after=20 "$limit" "$@" >"$work/steps/$name.txt" 2>&1
    code=$?
    tail -n 12 "$work/steps/$name.txt" | tee -a "$out/log.txt"
    say "== $name: exit code $code after $((SECONDS - begin)) s"
    if ((code == 124 || code == 130 || code == 137)); then
        undone="$undone $name"
        return
    fi
    echo "$code" > "$work/done/$name"
    good "$name" "$code" || bad=1
}

fingerprint() {
    echo "date $(date -u +%FT%TZ); commit $(cat "$here/commit" 2>/dev/null)"
    [[ -n $double ]] && echo "PROTOCOL DOUBLE: nothing below was measured on a GPU"
    uname -a
    lscpu 2>/dev/null | grep -E "Model name|^CPU\(s\)"
    nvidia-smi 2>&1 || true
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.memory,power.limit,vbios_version --format=csv 2>/dev/null
    nvcc --version 2>/dev/null | tail -n 2
    echo "CONVNATIVE_CUDNN=${CONVNATIVE_CUDNN:-}"
    [[ -n $python ]] && "$python" -m pip list 2>/dev/null | grep -iE "^(torch|nvidia|triton)"
    true
}
torch_batch() { "$python" "$here/torch_conv.py" --shapes "$here/shapes.txt" --batch "$1" --total-s "$2" > "$work/torch-$1.tsv"; }
networks() { "$tool" matrix --backend cudnn --output "$work/matrix-networks" --resume; }
tables() { ls "$work"/torch-*.tsv "$work"/deform.tsv 2>/dev/null; }
bench() {
    local arguments=()
    for t in $(tables); do arguments+=(--against "$t"); done
    ((${#arguments[@]})) || { echo "no table of PyTorch to compare with"; return 3; }
    "$tool" bench --backend cudnn "${arguments[@]}" --shapes "$here/shapes.txt" --budget 60 --seconds "$1" --output "$work/bench"
}
export -f fingerprint torch_batch networks tables bench
export work here tool python double

step fingerprint 30 bash -c fingerprint
step abi 120 sh "$here/headers/abi_check.sh" --probe
step devices 60 "$tool" devices
if ! "$tool" devices --json 2>/dev/null | tr -d ' \n' | grep -q '"name":"cudnn","status":"available"'; then
    say "cuDNN is unavailable here: the steps that need it are left out (see devices)"
    no_gpu=1
fi
if [[ -z ${no_gpu:-} ]]; then
    step smoke 60 "$tool" matrix --backend cudnn --suite smoke --output "$work/matrix-smoke"
    step strict 300 "$tool" matrix --backend cudnn --suite variants,edge --output "$work/matrix-strict" --resume
    step fast 200 "$tool" matrix --backend cudnn --suite variants,edge --math fast --output "$work/matrix-fast" --resume
    step opencl 120 "$tool" matrix --backend opencl --suite smoke,edge --output "$work/matrix-opencl" --resume
    if [[ -n $python ]] && "$python" -c "import torch; assert torch.cuda.is_available()" 2>/dev/null; then
        for b in 1 32 256; do step torch$b 200 bash -c "torch_batch $b 180"; done
        step deform 60 bash -c '"$python" "$here/torch_deform.py" --shapes "$here/shapes.txt" --total-s 50 > "$work/deform.tsv"'
    else
        say "PyTorch with CUDA is not here: nothing to compare with"
    fi
    if [[ -n $(tables) ]]; then step bench 500 bash -c "bench $(($(left) > 60 ? ($(left) < 515 ? $(left) - 45 : 470) : 20))"; fi
    step networks 560 bash -c networks
fi

cp "$work/steps/fingerprint.txt" "$out/fingerprint.txt" 2>/dev/null
cp "$work"/bench/peers.* "$out/" 2>/dev/null
{
    echo "# GPU run"
    [[ -n $double ]] && echo && echo "**Protocol double: not a GPU's results.**"
    echo
    echo '```'; cat "$work/steps/devices.txt" 2>/dev/null; echo '```'
    for m in smoke strict fast opencl networks; do
        [[ -f $work/steps/$m.txt ]] && { echo; echo "## matrix: $m"; echo; grep -E "^(cells:|all )" "$work/steps/$m.txt" | sed 's/^/    /'; }
    done
    [[ -f $work/bench/peers.md ]] && { echo; sed '1s/^# /## bench: /' "$work/bench/peers.md"; }
    echo; echo "left to do:${undone:- nothing}"
} > "$out/summary.md"
rm -rf "$work/cache/nvrtc"
tar -czf "$out/results.tar.gz" -C "$work" --exclude=./cache .
find "$out" -maxdepth 1 -type f -size +16M -exec sh -c 'echo "too large to travel: $1"; rm -f "$1"' _ {} \;
cat "$out/summary.md"
[[ -n $undone ]] && { say "left to do:$undone (again with --resume $out)"; exit 4; }
[[ -n ${no_gpu:-} ]] && exit 3
exit $bad
