using System.Runtime.InteropServices;
using ConvNative.Bindings.CuDnn;
using ConvNative.Bindings.Loading;

namespace ConvNative.Bindings.Cuda;

/// <summary>
/// Loads one installation's whole set in the order that makes cuDNN's own loading by bare name find the same files: the compiler,
/// cuBLAS, cuDNN's parts, cuDNN. What was opened for an installation that proves unsuitable is closed again.
/// </summary>
internal sealed unsafe class CudaLoader(Func<string, string?> environment)
{
    private readonly List<CudaPart> _parts = [];
    private readonly List<nint> _opened = [];

    /// <summary>The handles of what the report calls loaded.</summary>
    public Dictionary<CudaLibrary, nint> Handles { get; } = [];

    public CudaLoadReport Load()
    {
        CudaPlace[] places = [.. CudaPlaces.Find(environment)];
        if (!LoadDriver(places)) return NoDriver(places);
        CudaLoadReport? best = null;
        foreach (var place in places)
        {
            if (place.Folders.Count > 0 && place.Find([CudaNames.Cudnn]) is not { } shim)
            {
                if (place.Source == CudaLibraries.Variable) Note(CudaNames.Cudnn, place.Source, string.Join(Path.PathSeparator, place.Folders), NativeLoadOutcome.Absent);
                continue;
            }
            var report = TryPlace(place);
            if (report.IsLoaded) return report with { Parts = [.. _parts] };
            Close();
            if (best is null || best.Parts.Count == 0) best = report;
        }
        foreach (var handle in Handles.Values) NativeLibrary.Free(handle);
        Handles.Clear();
        best ??= Failed(CudaFailure.NoLibrary, "no cuDNN 9 was found", CudaLibraries.InstallHint);
        return best with { Parts = [.. _parts] };
    }

    private bool LoadDriver(CudaPlace[] places)
    {
        var named = places is [{ Source: CudaLibraries.Variable } only] ? only.Find([CudaNames.Driver]) : null;
        var handle = Open(named is null ? "system" : CudaLibraries.Variable, named ?? CudaNames.Driver, CudaNames.Driver);
        if (handle == 0) return false;
        _opened.Remove(handle);
        Handles[CudaLibrary.Driver] = handle;
        Describe(CudaNames.Driver, handle, "cuDriverGetVersion", Call(handle, "cuDriverGetVersion"));
        return true;
    }

    private CudaLoadReport NoDriver(CudaPlace[] places)
    {
        var driver = _parts[^1];
        foreach (var place in places)
            if (place.Find([CudaNames.Cudnn]) is { } path)
                Note(CudaNames.Cudnn, place.Source, path, NativeLoadOutcome.Absent, "present, not loaded: without a driver it is of no use");
        return new CudaLoadReport
        {
            Failure = CudaFailure.NoDriver,
            Summary = driver.Outcome == NativeLoadOutcome.Absent
                ? $"no NVIDIA driver: {CudaNames.Driver} was not found"
                : $"the NVIDIA driver's {CudaNames.Driver} cannot be loaded: {driver.Detail}",
            Parts = [.. _parts],
            Remedy = "install the NVIDIA driver (in a container: start it with --gpus all), or use a machine with an NVIDIA GPU",
        };
    }

    private CudaLoadReport TryPlace(CudaPlace place)
    {
        var shim = place.Find([CudaNames.Cudnn]);
        if (shim is null && !IsKnown(CudaNames.Cudnn, out var words))
        {
            Note(CudaNames.Cudnn, place.Source, CudaNames.Cudnn, NativeLoadOutcome.Absent, words);
            if (IsKnown(CudaNames.CudnnOlder, out _))
                return Failed(CudaFailure.Version, $"{CudaNames.CudnnOlder} is too old: cuDNN 9 is needed", CudaLibraries.InstallHint);
            return new CudaLoadReport { Failure = CudaFailure.NoLibrary, Summary = "no cuDNN 9 was found", Parts = [], Remedy = CudaLibraries.InstallHint };
        }
        if (Mixed(place) is { } mixed) return mixed;

        foreach (var major in Majors(place))
        {
            Close();
            LoadCompanions(place, major);
            foreach (var part in CudaNames.CudnnParts) OpenOptional(place, [CudaNames.CudnnPart(part)]);
            var cudnn = Open(place.Source, shim ?? CudaNames.Cudnn, CudaNames.Cudnn);
            if (cudnn == 0) return Failed(CudaFailure.NoLibrary, $"{CudaNames.Cudnn} cannot be loaded: {_parts[^1].Detail}", "reinstall cuDNN with the CUDA libraries of the same major version");
            Handles[CudaLibrary.Cudnn] = cudnn;
            if (Judge(place, cudnn, major) is { } verdict) return verdict;
        }
        return Failed(CudaFailure.Mixture, "cuDNN was built for another major version of CUDA than the CUDA libraries beside it", "install cuDNN and CUDA libraries of one major version, from one source");
    }

    private void LoadCompanions(CudaPlace place, int major)
    {
        foreach (var folder in place.Folders)
            foreach (var file in Directory.GetFiles(folder, CudaNames.NvrtcBuiltins(major)))
                Open(place.Source, file, Path.GetFileName(file));
        Companion(place, CudaLibrary.Nvrtc, CudaNames.Nvrtc(major), null);
        OpenOptional(place, CudaNames.CublasLt(major));
        Companion(place, CudaLibrary.Cublas, CudaNames.Cublas(major), null);
        Companion(place, CudaLibrary.Runtime, CudaNames.Runtime(major), "cudaRuntimeGetVersion");
    }

    private void Companion(CudaPlace place, CudaLibrary library, string[] names, string? version)
    {
        var handle = OpenOptional(place, names);
        // A place of its own for cuDNN alone is usual; the toolkit is then the system's.
        if (handle == 0 && place.Folders.Count > 0 && place.Source != "application") handle = OpenOptional(new CudaPlace("system", []), names);
        if (handle == 0) return;
        Handles[library] = handle;
        if (version is not null) Describe(names[0], handle, version, Call(handle, version));
        else if (library == CudaLibrary.Nvrtc) Describe(names[0], handle, "nvrtcVersion", NvrtcVersion(handle));
    }

    /// <summary>A report if this is settled, null if another major of CUDA is worth a try.</summary>
    private CudaLoadReport? Judge(CudaPlace place, nint cudnn, int major)
    {
        if (Missing(cudnn, Cudnn.RequiredSymbols()) is { } lacking) return Failed(CudaFailure.NoLibrary, $"{CudaNames.Cudnn} lacks {lacking}", "reinstall cuDNN 9");
        var raw = (long)((delegate* unmanaged[Cdecl]<nuint>)NativeLibrary.GetExport(cudnn, "cudnnGetVersion"))();
        var version = new Version((int)(raw / 10000), (int)(raw / 100 % 100), (int)(raw % 100));
        var built = (long)((delegate* unmanaged[Cdecl]<nuint>)NativeLibrary.GetExport(cudnn, "cudnnGetCudartVersion"))();
        Describe(CudaNames.Cudnn, cudnn, "cudnnGetVersion", version);
        if (version.Major != 9)
            return Failed(CudaFailure.Version, $"cuDNN {version} is not supported: version 9 is needed", CudaLibraries.InstallHint);
        if (built / 1000 != major) return null;
        if (MixedAfterLoad(cudnn) is { } mixed) return mixed;
        if (!Handles.ContainsKey(CudaLibrary.Runtime))
            return Failed(CudaFailure.NoLibrary, $"cuDNN {version} is there, but {CudaNames.Runtime(major)[0]} was not found",
                $"install the CUDA {major} runtime beside it (Python: pip install nvidia-cuda-runtime{(major == 12 ? "-cu12" : "")})");
        foreach (var (library, symbols) in new[]
        {
            (CudaLibrary.Driver, CudaDriver.RequiredSymbols()), (CudaLibrary.Runtime, CudaRt.RequiredSymbols()),
            (CudaLibrary.Nvrtc, Nvrtc.RequiredSymbols()), (CudaLibrary.Cublas, Cublas.RequiredSymbols()),
        })
            if (Handles.TryGetValue(library, out var handle) && Missing(handle, symbols) is { } absent)
                return Failed(CudaFailure.NoLibrary, $"{library} lacks {absent}", "install a complete CUDA of version 12 or 13");
        var driver = Call(Handles[CudaLibrary.Driver], "cuDriverGetVersion");
        if (driver is not null && driver.Major < major)
            return Failed(CudaFailure.Version, $"the NVIDIA driver supports CUDA {driver.ToString(2)}, cuDNN {version} was built for CUDA {major}",
                $"update the driver to one for CUDA {major}, or install cuDNN for CUDA {driver.Major}");
        return new CudaLoadReport
        {
            Failure = CudaFailure.None,
            Summary = $"cuDNN {version} for CUDA {major}, {LoadedFile.Find(NativeLibrary.GetExport(cudnn, "cudnnGetVersion")) ?? place.Source}",
            Parts = [],
            CudnnVersion = version,
            CudaMajor = major,
            IsDouble = NativeLibrary.TryGetExport(cudnn, CudaLibraries.DoubleMarker, out _),
        };
    }

    /// <summary>Majors of CUDA that the place may be for: what cuDNN itself was built for is known only once it is loaded.</summary>
    private static int[] Majors(CudaPlace place)
    {
        int[] here = [.. CudaNames.Majors.Where(major => place.Find([.. CudaNames.Runtime(major), .. CudaNames.Nvrtc(major), .. CudaNames.Cublas(major)]) is not null)];
        return [.. here, .. CudaNames.Majors.Except(here)];
    }

    /// <summary>Files of one set carry one version in their full names, and lie in one folder.</summary>
    private static CudaLoadReport? Mixed(CudaPlace place)
    {
        var files = CudaNames.CudnnParts.Select(part => place.Find([CudaNames.CudnnPart(part)])).Prepend(place.Find([CudaNames.Cudnn])).OfType<string>();
        return Mixture(files.Select(Resolve));
    }

    private static CudaLoadReport? MixedAfterLoad(nint cudnn)
    {
        if (Mixture(LoadedFile.All("libcudnn")) is { } mixture) return mixture;
        foreach (var check in new[] { "cudnnGraphVersionCheck", "cudnnOpsVersionCheck", "cudnnCnnVersionCheck" })
            if (NativeLibrary.TryGetExport(cudnn, check, out var address)
                && ((delegate* unmanaged[Cdecl]<cudnnStatus_t>)address)() is cudnnStatus_t.CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH)
                return Failed(CudaFailure.Mixture, $"cuDNN's parts are of different versions ({check} returned CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH)", MixtureRemedy);
        return null;
    }

    private const string MixtureRemedy = "keep one installation of cuDNN: remove the other, or name one folder in " + CudaLibraries.Variable;

    internal static CudaLoadReport? Mixture(IEnumerable<string> files)
    {
        var all = files.ToArray();
        string[] Different(Func<string, string> key) => [.. all.Where(file => key(file).Length > 0).GroupBy(key).Select(group => group.First())];
        var folders = Different(file => Path.GetDirectoryName(file) ?? "");
        var versions = Different(file => Path.GetFileName(file).Split(".so.9.") is [_, var version] ? version : "");
        var two = folders.Length > 1 ? folders : versions.Length > 1 ? versions : null;
        return two is null ? null : Failed(CudaFailure.Mixture, $"a mixture of two installations of cuDNN: {two[0]} and {two[1]}", MixtureRemedy);
    }

    private static string Resolve(string file) => File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file;

    private nint OpenOptional(CudaPlace place, string[] names)
    {
        if (place.Find(names) is { } path) return Open(place.Source, path, names[0]);
        if (place.Folders.Count > 0) return 0;
        foreach (var name in names)
            if (Open(place.Source, name, name, quiet: true) is not 0 and var handle) return handle;
        return 0;
    }

    private nint Open(string source, string path, string name, bool quiet = false)
    {
        try
        {
            if (OperatingSystem.IsLinux() && (Path.IsPathRooted(path) ? path : ElfFile.Locate(path, environment)) is { } file && ElfFile.FindDamage(file) is { } damage)
            {
                Note(name, source, path, NativeLoadOutcome.Broken, damage);
                return 0;
            }
            var handle = NativeLibrary.Load(path);
            _opened.Add(handle);
            Note(name, source, path, NativeLoadOutcome.Loaded);
            return handle;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            var words = NativeLoader.LoaderWords(e.Message);
            var absent = !Path.IsPathRooted(path) && NativeLoader.IsAbsence(words, path);
            if (!absent || !quiet) Note(name, source, path, absent ? NativeLoadOutcome.Absent : NativeLoadOutcome.Broken, words);
            return 0;
        }
    }

    private static bool IsKnown(string name, out string? words)
    {
        words = null;
        try
        {
            NativeLibrary.Free(NativeLibrary.Load(name));
            return true;
        }
        catch (Exception e) when (e is DllNotFoundException or BadImageFormatException)
        {
            words = NativeLoader.LoaderWords(e.Message);
            return !NativeLoader.IsAbsence(words, name);
        }
    }

    private void Note(string name, string source, string path, NativeLoadOutcome outcome, string? detail = null)
    {
        // The first file of an installation is asked again for each major version of CUDA.
        _parts.RemoveAll(part => part.Path == path && part.Name == name);
        _parts.Add(new CudaPart(name, source, path, outcome, null, detail));
    }

    private void Describe(string name, nint handle, string symbol, Version? version)
    {
        var at = _parts.FindLastIndex(part => part.Name == name && part.Outcome == NativeLoadOutcome.Loaded);
        if (at < 0) return;
        var path = NativeLibrary.TryGetExport(handle, symbol, out var address) ? LoadedFile.Find(address) : null;
        _parts[at] = _parts[at] with { Version = version, Path = path ?? _parts[at].Path };
    }

    private static Version? Call(nint handle, string function)
    {
        var value = 0;
        return NativeLibrary.TryGetExport(handle, function, out var address) && ((delegate* unmanaged[Cdecl]<int*, int>)address)(&value) == 0 && value > 0
            ? new Version(value / 1000, value / 10 % 100)
            : null;
    }

    private static Version? NvrtcVersion(nint handle)
    {
        int major = 0, minor = 0;
        return NativeLibrary.TryGetExport(handle, "nvrtcVersion", out var address) && ((delegate* unmanaged[Cdecl]<int*, int*, int>)address)(&major, &minor) == 0
            ? new Version(major, minor)
            : null;
    }

    private static string? Missing(nint handle, string[] symbols) =>
        symbols.Where(symbol => !NativeLibrary.TryGetExport(handle, symbol, out _)).ToArray() is { Length: > 0 } missing ? string.Join(", ", missing) : null;

    private static CudaLoadReport Failed(CudaFailure failure, string summary, string remedy) =>
        new() { Failure = failure, Summary = summary, Parts = [], Remedy = remedy };

    private void Close()
    {
        for (var i = _opened.Count - 1; i >= 0; i--) NativeLibrary.Free(_opened[i]);
        _opened.Clear();
        foreach (var library in Handles.Keys.Where(library => library != CudaLibrary.Driver).ToArray()) Handles.Remove(library);
    }
}
