#!/usr/bin/env bash
# Restores the build tool that .config/dotnet-tools.json pins and hands every argument to build.cake.
#   ./build.sh                    the tool, and a first look: smoke and edge on what is here; oneDNN is built beside and joins
#   ./build.sh -- --full          the same over every suite
#   ./build.sh --target=Test      native library, build, all tests
# Other targets: Native, Build, Matrix, Generate, Bench, Pack, Clean, InstructionSets. What follows `--` goes to the tool:
#   ./build.sh --target=Matrix -- --suite alexnet
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

if ! command -v dotnet >/dev/null; then
    echo "build.sh: 'dotnet' was not found. The .NET SDK 10.0 is needed: https://dotnet.microsoft.com/download" >&2
    exit 2
fi

# Cake would take what follows `--` for its own arguments, hence the detour.
cake=() tool=()
while (($#)); do
    if [[ $1 == -- ]]; then
        shift
        tool=("$@")
        break
    fi
    cake+=("$1")
    shift
done
if ((${#tool[@]})); then
    # Quoted as .NET splits a command line: double quotes, inner ones escaped.
    CONVNATIVE_TOOL_ARGS=
    for argument in "${tool[@]}"; do CONVNATIVE_TOOL_ARGS+="\"${argument//\"/\\\"}\" "; done
    export CONVNATIVE_TOOL_ARGS
fi

dotnet tool restore --verbosity quiet
exec dotnet cake build.cake ${cake[@]+"${cake[@]}"}
