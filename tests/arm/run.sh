#!/usr/bin/env bash
# Runs the managed engine's 128-bit kernels as Arm code: tests/arm/run.sh
# The runtime's own compiler (crossgen2, from NuGet) translates them for Arm, qemu-aarch64 executes each on random small integers, and memory must
# be equal afterwards, bit for bit, to what the same kernel leaves here. The engine around the kernels needs a whole runtime for Arm, and does not run.
# On Debian: apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
for tool in dotnet python3 aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$tool" >/dev/null || { echo "tests/arm: '$tool' was not found" >&2; exit 3; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Changes for translation ahead of time, which leaves out both: methods marked AggressiveOptimization, and operations that are free to round
# once or twice. On Arm the runtime makes a fused instruction of the latter. What asks for an instruction set has Arm's answer in the second build,
# but for AdvSimd.Arm64: the framework for x64 that is referenced here has its instructions as stubs, so the portable form beside them runs.
for file in "$root"/src/ConvApi/Backends/Managed/Kernels/{,Generated/}*.cs "$root"/src/ConvApi/Backends/Common/Numbers/InstructionSet.cs; do
    sed 's/MethodImplOptions.AggressiveOptimization/MethodImplOptions.NoInlining/; s/MultiplyAddEstimate/FusedMultiplyAdd/' "$file" >"$(basename "$file")"
done
cp "$root/tests/arm/Record.cs" .
cat >kernels.csproj <<'PROJECT'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
    <AllowUnsafeBlocks>true</AllowUnsafeBlocks>
    <RuntimeIdentifier>linux-x64</RuntimeIdentifier>
    <SelfContained>false</SelfContained>
    <PublishReadyToRun>true</PublishReadyToRun>
    <OutputPath>out/</OutputPath>
    <AppendRuntimeIdentifierToOutputPath>false</AppendRuntimeIdentifierToOutputPath>
    <AppendTargetFrameworkToOutputPath>false</AppendTargetFrameworkToOutputPath>
  </PropertyGroup>
</Project>
PROJECT
dotnet build -c Release -v q --nologo -clp:ErrorsOnly
for file in *Ops.cs CacheHint.cs; do sed -i 's/Sse[0-9]*\.IsSupported/false/; s/AdvSimd\.Arm64\.IsSupported/false/; s/AdvSimd\.IsSupported/true/' "$file"; done
dotnet build -c Release -v q --nologo -clp:ErrorsOnly -p:OutputPath=arm/ -p:TreatWarningsAsErrors=false
packages=$(dotnet nuget locals global-packages --list | sed 's/^[^:]*: *//')
framework=$(dotnet --list-runtimes | sed -n 's/^Microsoft.NETCore.App \(10[^ ]*\) \[\(.*\)\]$/\2\/\1/p' | tail -n 1)
compiler=$(ls -d "$packages"/microsoft.netcore.app.crossgen2.linux-x64/*/tools/crossgen2 | sort -V | tail -n 1)
"$compiler" arm/kernels.dll --targetos:linux --targetarch:arm64 -O -r "$framework/*.dll" --inputbubble --inputbubbleref "$framework/*.dll" \
    --mapcsv -o kernels-arm.dll >compiler.log 2>&1 || { cat compiler.log >&2; exit 1; }
python3 - <<'PYTHON' >map.txt
import csv, re
for row in csv.reader(open("kernels-arm.map.csv")):
    if len(row) < 6 or row[5] != "MethodWithGCInfo":
        continue
    if kernel := re.search(r"Kernels_(\w+?Kernels)_2<.*Kernels_([FDI]128)__.*?>>__(\w+?)(<.*>)?$", row[4]):
        sizes = re.findall(r"_(N\d+)\b", (kernel[4] or "").replace("__", " "))
        print("_".join([kernel[1], kernel[2], "", kernel[3], *sizes]), row[0])
PYTHON
dotnet out/kernels.dll records.bin
aarch64-linux-gnu-gcc -O1 -static -Wall -Werror -o replay "$root/tests/arm/replay.c"
qemu-aarch64 ./replay kernels-arm.dll map.txt records.bin
