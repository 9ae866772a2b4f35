#!/usr/bin/env bash
# A null Tensor<T> given where a ReadOnlyTensorSpan<T> is wanted throws before the callee runs.
#
# System.Numerics.Tensors 10.0.0 and 11.0.0 on .NET 10, looked at on 2026-11-30. A null float[] becomes an empty ReadOnlySpan<float> without a word, and the
# usual guess is that the tensor types do the same, or that a method can refuse the null by its parameter's name. They do neither: the conversion from
# Tensor<T> dereferences its operand, so `Sum(null tensor)` ends in a NullReferenceException in the caller, and no check inside Sum is reached. A null array,
# given to the very same parameter, is an empty tensor span. A library that wants to say which argument was null needs an overload that takes Tensor<T> itself.
#
# Seen, with both versions: array as span: empty; array as tensor span: empty; tensor: NullReferenceException, callee not reached
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
command -v dotnet >/dev/null || { echo "this needs the .NET SDK" >&2; exit 2; }
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
cat >"$work/probe.csproj" <<'P'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <NoWarn>SYSLIB5001;NU1903</NoWarn>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="System.Numerics.Tensors" Version="[$(TensorsVersion)]" />
  </ItemGroup>
</Project>
P
cat >"$work/Program.cs" <<'P'
using System;
using System.Numerics.Tensors;

bool reached = false;
string array = Ask(() => Length((float[]?)null)), same = Ask(() => Elements((float[]?)null)), tensor = Ask(() => Elements((Tensor<float>?)null));
Console.WriteLine($"array as span: {array}; array as tensor span: {same}; tensor: {tensor}, callee {(reached ? "reached" : "not reached")}");

string Ask(Func<nint> call)
{
    reached = false;
    try
    {
        return call() == 0 ? "empty" : "not empty";
    }
    catch (Exception e)
    {
        return e.GetType().Name;
    }
}

nint Length(ReadOnlySpan<float> x)
{
    reached = true;
    return x.Length;
}

nint Elements(ReadOnlyTensorSpan<float> x)
{
    reached = true;
    return x.FlattenedLength;
}
P
for version in 10.0.0 11.0.0; do
    rm -rf "$work/obj" "$work/bin"
    dotnet build "$work/probe.csproj" -p:TensorsVersion=$version -o "$work/bin" -v q >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
    seen=$("$work/bin/probe")
    echo "$version: $seen"
    [[ $seen == "array as span: empty; array as tensor span: empty; tensor: NullReferenceException, callee not reached" ]]
done
