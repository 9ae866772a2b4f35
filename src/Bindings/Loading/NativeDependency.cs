using System.Text.RegularExpressions;

namespace ConvNative.Bindings.Loading;

/// <summary>A library that another one needs: which one the system's loader misses, and the packages that have it.</summary>
internal static partial class NativeDependency
{
    private static readonly Dictionary<string, string> s_packages = new(StringComparer.Ordinal)
    {
        ["libgomp.so.1"] = "Debian and Ubuntu: libgomp1; Fedora and Alpine: libgomp; Arch: gcc-libs",
        ["libstdc++.so.6"] = "Debian and Ubuntu: libstdc++6; Fedora and Alpine: libstdc++; Arch: gcc-libs",
        ["libgcc_s.so.1"] = "Debian and Ubuntu: libgcc-s1; Fedora and Alpine: libgcc; Arch: gcc-libs",
        ["libomp.so.5"] = "Debian and Ubuntu: libomp5; Arch: openmp",
        ["libomp.so"] = "Fedora: libomp; Arch: openmp",
        ["libiomp5.so"] = "Intel's OpenMP: intel-openmp of pip and conda",
        ["libtbb.so.12"] = "Debian and Ubuntu: libtbb12; Fedora: tbb; Arch: onetbb",
        ["libtbb.so.2"] = "Debian and Ubuntu: libtbb2",
        ["libOpenCL.so.1"] = "Debian and Ubuntu: ocl-icd-libopencl1; Fedora and Arch: ocl-icd",
        ["libze_loader.so.1"] = "Debian and Ubuntu: libze1; Fedora: oneapi-level-zero",
        ["libhwloc.so.15"] = "Debian and Ubuntu: libhwloc15; Fedora: hwloc-libs; Arch: hwloc",
        ["libomp.dylib"] = "Homebrew: libomp",
        ["libtbb.12.dylib"] = "Homebrew: tbb",
    };

    /// <summary>The library that the loader's words name and that is not <paramref name="path"/> itself under any of the names that .NET tries; null where they name none.</summary>
    public static string? Missing(string words, string path)
    {
        foreach (var pattern in (Regex[])[Glibc(), Musl(), MacOs()])
            foreach (Match match in pattern.Matches(words))
                if (Path.GetFileName(match.Groups[1].Value) is var name && !name.Contains(Path.GetFileName(path), StringComparison.Ordinal)) return name;
        return null;
    }

    /// <summary>What to install, in words that go on after a colon.</summary>
    public static string Remedy(string library) => s_packages.TryGetValue(library, out var packages)
        ? $"install {library} ({packages})"
        : OperatingSystem.IsMacOS() || OperatingSystem.IsWindows()
            ? $"install {library}"
            : $"install the package that has {library} (Debian and Ubuntu: apt-file search {library}; Fedora: dnf provides '*/{library}')";

    [GeneratedRegex(@"(?:^|[\s;])(\S+): cannot open shared object file: No such file", RegexOptions.CultureInvariant)]
    private static partial Regex Glibc();

    [GeneratedRegex(@"Error loading shared library (\S+): No such file or directory \(needed by", RegexOptions.CultureInvariant)]
    private static partial Regex Musl();

    [GeneratedRegex(@"Library not loaded: (\S+)", RegexOptions.CultureInvariant)]
    private static partial Regex MacOs();
}
