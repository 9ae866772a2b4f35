using System.Runtime.InteropServices;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;

namespace ConvNative.Tests;

/// <summary>Every way in which loading can go, on small libraries that the tests compile.</summary>
[TestClass]
public sealed class LoaderTests
{
    private static readonly NativeLibraryDescription s_description = OneDnnLibrary.Description with
    {
        ImportName = "convnative-test",
        // A name that no machine has, so that nothing is found by chance.
        FileName = "libconvnativetest.so.3",
        RequiredSymbols = ["dnnl_version", "dnnl_first", "dnnl_second"],
    };

    private static string Source(int major, int minor, string more = "") => $$"""
        struct version { int major, minor, patch; const char *hash; unsigned cpu, gpu; };
        static version v = { {{major}}, {{minor}}, 1, "", 2, 0 };
        extern "C" const version *dnnl_version() { return &v; }
        {{more}}
        """;

    private const string Functions = "extern \"C\" void dnnl_first() {} extern \"C\" void dnnl_second() {}";

    private static NativeLoadReport Probe(params (string Name, string? Value)[] environment)
    {
        var result = NativeLoader.Probe(s_description, name => environment.FirstOrDefault(pair => pair.Name == name).Value);
        Assert.AreEqual(result.Report.IsLoaded, result.Handle != 0);
        if (result.Handle != 0) NativeLibrary.Free(result.Handle);
        return result.Report;
    }

    private static NativeLoadReport ProbeNamed(string path) => Probe((OneDnnLibrary.Variable, path));

    [TestMethod]
    public void ANamedFileThatIsNotThere()
    {
        using var folder = new TemporaryFolder();
        var report = ProbeNamed(folder.File("nowhere.so"));
        Assert.IsFalse(report.IsLoaded);
        var candidate = report.Candidates.Single();
        Assert.AreEqual(NativeLoadOutcome.Absent, candidate.Outcome);
        Assert.AreEqual(OneDnnLibrary.Variable, candidate.Source);
        Assert.AreEqual(folder.File("nowhere.so"), candidate.Path);
        StringAssert.Contains(report.Remedy, OneDnnLibrary.Variable);
        StringAssert.Contains(report.ToString(), "absent");
        Assert.DoesNotContain("\n", report.Remedy!);
    }

    [TestMethod]
    public void ATruncatedFile()
    {
        using var folder = new TemporaryFolder();
        var library = Compiler.Library(folder.Path, "libwhole.so", Source(3, 7, Functions));
        var bytes = File.ReadAllBytes(library);
        foreach (var length in new[] { 40, bytes.Length / 3 })
        {
            var broken = folder.File($"libtruncated{length}.so");
            File.WriteAllBytes(broken, bytes[..length]);
            var candidate = ProbeNamed(broken).Candidates.Single();
            Assert.AreEqual(NativeLoadOutcome.Broken, candidate.Outcome, candidate.ToString());
            // The loader's own words begin with the file; the runtime's advice on strace is not among them.
            StringAssert.StartsWith(candidate.Detail, broken + ": ");
            Assert.DoesNotContain("strace", candidate.Detail!);
        }
    }

    [TestMethod]
    public void AFileThatIsNoLibrary()
    {
        using var folder = new TemporaryFolder();
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("the loader's words are Linux's");
        File.WriteAllText(folder.File("text.so"), "This is no library, but it is long enough to have had a header of one in it.");
        var report = ProbeNamed(folder.File("text.so"));
        Assert.AreEqual(NativeLoadOutcome.Broken, report.Candidates.Single().Outcome);
        StringAssert.Contains(report.Candidates[0].Detail, "invalid ELF header");
        StringAssert.Contains(report.Remedy, "cannot be loaded");
    }

    [TestMethod]
    public void ALibraryWhoseOwnDependencyIsMissing()
    {
        using var folder = new TemporaryFolder();
        var dependency = Compiler.Library(folder.Path, "libconvnativegone.so", "extern \"C\" void gone() {}");
        var library = Compiler.Library(folder.Path, "libneeds.so",
            Source(3, 7, Functions + " extern \"C\" void gone(); extern \"C\" void use() { gone(); }"), dependency);
        File.Delete(dependency);
        var report = ProbeNamed(library);
        var candidate = report.Candidates.Single();
        Assert.AreEqual(NativeLoadOutcome.Broken, candidate.Outcome);
        StringAssert.Contains(candidate.Detail, "libconvnativegone.so");
        Assert.AreEqual("libconvnativegone.so", candidate.MissingLibrary);
        StringAssert.Contains(candidate.ToString(), "present, but libconvnativegone.so, which it needs, is missing");
        StringAssert.Contains(report.Remedy, "install the package that has libconvnativegone.so");
        Assert.AreEqual("oneDNN is there, but libconvnativegone.so, which it needs, is missing", report.Summary);

        Directory.CreateDirectory(folder.File("convnative", "onednn", "current", "lib"));
        File.Copy(library, folder.File("convnative", "onednn", "current", "lib", s_description.FileName));
        report = Probe(("XDG_CACHE_HOME", folder.Path));
        Assert.AreEqual("libconvnativegone.so", report.Candidates.Single(c => c.Outcome == NativeLoadOutcome.Broken).MissingLibrary, report.ToString());
        StringAssert.StartsWith(report.Remedy, "install the package that has libconvnativegone.so");
        Assert.DoesNotContain("install oneDNN", report.Remedy!, "another oneDNN would miss it as well");
    }

    [TestMethod]
    [DataRow("libgomp.so.1: cannot open shared object file: No such file or directory", "libgomp.so.1", "libgomp1")]
    [DataRow("libdnnl.so.3: cannot open shared object file: No such file or directory", null, null)]
    [DataRow("/a/libdnnl.so.3: cannot open shared object file: No such file or directory; libtbb.so.12: cannot open shared object file: No such file or directory", "libtbb.so.12", "libtbb12")]
    [DataRow("Error loading shared library libstdc++.so.6: No such file or directory (needed by /usr/lib/libdnnl.so.3)", "libstdc++.so.6", "libstdc++6")]
    [DataRow("Library not loaded: @rpath/libomp.dylib", "libomp.dylib", "Homebrew: libomp")]
    [DataRow("/lib/libc.so.6: version `GLIBC_2.99' not found (required by /a/libdnnl.so.3)", null, null)]
    [DataRow("/a/libdnnl.so.3: invalid ELF header", null, null)]
    public void AMissingDependencyIsReadFromTheLoadersWords(string words, string? library, string? package)
    {
        Assert.AreEqual(library, NativeDependency.Missing(words, words.StartsWith('/') ? "/a/libdnnl.so.3" : "libdnnl.so.3"));
        if (library is not null) StringAssert.Contains(NativeDependency.Remedy(library), package);
    }

    [TestMethod]
    [DataRow(2, 6)]
    [DataRow(3, 4)]
    [DataRow(4, 0)]
    public void AVersionOutOfRange(int major, int minor)
    {
        using var folder = new TemporaryFolder();
        // It lacks the functions too, but what is wrong with it is its age.
        var report = ProbeNamed(Compiler.Library(folder.Path, "libold.so", Source(major, minor)));
        Assert.IsFalse(report.IsLoaded);
        Assert.IsNull(report.LoadedPath);
        var candidate = report.Candidates.Single();
        Assert.AreEqual(NativeLoadOutcome.VersionOutOfRange, candidate.Outcome);
        Assert.AreEqual(new Version(major, minor, 1), candidate.Version);
        Assert.AreEqual($"version {major}.{minor}.1, wanted 3.5 <= version < 4.0", candidate.Detail);
        Assert.AreEqual("3.5 <= version < 4.0", report.VersionWanted);
    }

    [TestMethod]
    public void AMissingSymbolIsNamed()
    {
        using var folder = new TemporaryFolder();
        var candidate = ProbeNamed(Compiler.Library(folder.Path, "libpart.so", Source(3, 7, "extern \"C\" void dnnl_second() {}")))
            .Candidates.Single();
        Assert.AreEqual(NativeLoadOutcome.SymbolMissing, candidate.Outcome);
        Assert.AreEqual("dnnl_first", candidate.Detail);
        Assert.AreEqual(new Version(3, 7, 1), candidate.Version);

        candidate = ProbeNamed(Compiler.Library(folder.Path, "libother.so", Functions)).Candidates.Single();
        Assert.AreEqual(NativeLoadOutcome.SymbolMissing, candidate.Outcome);
        Assert.AreEqual("dnnl_version", candidate.Detail);
        Assert.IsNull(candidate.Version);
    }

    [TestMethod]
    public void AFolderMayBeNamed()
    {
        using var folder = new TemporaryFolder();
        var library = Compiler.Library(folder.File("lib"), s_description.FileName, Source(3, 5, Functions));
        var report = ProbeNamed(folder.Path);
        Assert.IsTrue(report.IsLoaded, report.ToString());
        Assert.AreEqual(library, report.LoadedPath);
        CollectionAssert.AreEqual(
            new[] { NativeLoadOutcome.Absent, NativeLoadOutcome.Loaded }, report.Candidates.Select(item => item.Outcome).ToArray());
        Assert.IsTrue(ProbeNamed(folder.File("lib")).IsLoaded);
    }

    [TestMethod]
    public void AnUnsuitableLibraryIsReportedAndTheNextOneTried()
    {
        using var folder = new TemporaryFolder();
        var good = Compiler.Library(folder.File("convnative", "onednn", "current", "lib"), s_description.FileName, Source(3, 9, Functions));
        var old = Compiler.Library(AppContext.BaseDirectory, s_description.FileName, Source(2, 6, Functions));
        try
        {
            var report = Probe(("XDG_CACHE_HOME", folder.Path));
            Assert.IsTrue(report.IsLoaded, report.ToString());
            Assert.AreEqual(good, report.LoadedPath);
            Assert.AreEqual(new Version(3, 9, 1), report.Version);
            Assert.IsNull(report.Remedy);
            Assert.AreEqual(new NativeLoadCandidate("application", old, NativeLoadOutcome.VersionOutOfRange,
                "version 2.6.1, wanted 3.5 <= version < 4.0", new Version(2, 6, 1)), report.Candidates[0]);
            var system = report.Candidates[^2];
            Assert.AreEqual("system", system.Source);
            Assert.AreEqual(NativeLoadOutcome.Absent, system.Outcome, system.ToString());
            Assert.AreEqual("cache", report.Candidates[^1].Source);

            File.Delete(good);
            report = Probe(("XDG_CACHE_HOME", folder.Path));
            Assert.IsFalse(report.IsLoaded);
            StringAssert.Contains(report.Remedy, "unsuitable");
        }
        finally
        {
            File.Delete(old);
        }
    }

    [TestMethod]
    public void WithoutAnythingTheRemedySaysHowToInstall()
    {
        using var folder = new TemporaryFolder();
        var named = s_description with { FileName = "libconvnativeabsent.so.3" };
        var report = NativeLoader.Probe(named, name => name == "XDG_CACHE_HOME" ? folder.Path : null).Report;
        Assert.IsTrue(report.Candidates.All(candidate => candidate.Outcome == NativeLoadOutcome.Absent), report.ToString());
        CollectionAssert.AreEqual(new[] { "application", "system", "cache" },
            report.Candidates.Select(candidate => candidate.Source).Distinct().ToArray());
        Assert.AreEqual(s_description.InstallHint, report.Remedy);
    }

    /// <summary>A single file's libraries are unpacked to a place that only .NET's own search knows; here it finds one under another name.</summary>
    [TestMethod]
    public void InASingleFileTheRuntimesOwnSearchIsAsked()
    {
        using var folder = new TemporaryFolder();
        var bundled = s_description with { FileName = "convnativebundled" };
        var library = Compiler.Library(AppContext.BaseDirectory, "libconvnativebundled.so", Source(3, 9, Functions));
        string? Nowhere(string name) => name == "XDG_CACHE_HOME" ? folder.Path : null;
        try
        {
            Assert.IsFalse(NativeLoader.Probe(bundled, Nowhere, AppContext.BaseDirectory).Report.IsLoaded);
            var result = NativeLoader.Probe(bundled, Nowhere, null);
            Assert.IsTrue(result.Report.IsLoaded, result.Report.ToString());
            Assert.AreEqual(library, result.Report.LoadedPath);
            Assert.AreEqual(new NativeLoadCandidate("application", "convnativebundled", NativeLoadOutcome.Loaded, "version 3.9.1", new Version(3, 9, 1)), result.Report.Candidates[^1]);
            NativeLibrary.Free(result.Handle);
        }
        finally
        {
            File.Delete(library);
        }

        var report = NativeLoader.Probe(bundled, Nowhere, null).Report;
        Assert.AreEqual("not in the single file", report.Candidates.Single(c => c is { Source: "application", Path: "convnativebundled" }).Detail);
        CollectionAssert.AreEqual(new[] { "application", "system", "cache" }, report.Candidates.Select(c => c.Source).Distinct().ToArray());
    }

    /// <summary>A plug-in's folder is not the application's.</summary>
    [TestMethod]
    public void TheAssemblysOwnFolderIsLookedIn()
    {
        using var folder = new TemporaryFolder();
        var library = Compiler.Library(folder.File("plugin"), s_description.FileName, Source(3, 9, Functions));
        var result = NativeLoader.Probe(s_description, name => name == "XDG_CACHE_HOME" ? folder.Path : null, folder.File("plugin"));
        Assert.AreEqual(library, result.Report.LoadedPath, result.Report.ToString());
        NativeLibrary.Free(result.Handle);
    }

    [TestMethod]
    public void AnImportOfAnUnavailableLibraryThrowsItsReport()
    {
        using var folder = new TemporaryFolder();
        var missing = s_description with { ImportName = "convnative-missing", Variable = "CONVNATIVE_NOT_SET", FileName = "libconvnativeabsent.so.3", CacheFolder = null };
        var first = NativeLibraries.Load(missing);
        Assert.AreSame(first, NativeLibraries.Load(missing), "the failure was not remembered");
        var e = Assert.ThrowsExactly<DllNotFoundException>(() => NativeLibraries.Resolve("convnative-missing", typeof(Dnnl).Assembly, null));
        StringAssert.Contains(e.Message, "is unavailable");

        Assert.IsTrue(NativeLibraries.Reset("convnative-missing"));
        Assert.AreNotSame(first, NativeLibraries.Load(missing));
    }

    [TestMethod]
    public void OneDnnIsLoadedOnceAndSaysFromWhere()
    {
        OneDnnTests.Need();
        var report = OneDnnLibrary.Load();
        Assert.AreSame(report, OneDnnLibrary.Load());
        Assert.IsTrue(OneDnnLibrary.IsAvailable);
        Assert.IsTrue(Path.IsPathRooted(report.LoadedPath) && File.Exists(report.LoadedPath), report.ToString());
        Assert.AreEqual(NativeLoadOutcome.Loaded, report.Candidates[^1].Outcome);
        Assert.IsFalse(OneDnnLibrary.Reset(), "imports are bound to the loaded library");
    }

    [TestMethod]
    public void ThreadsAreSetInTheRuntimeThatOneDnnUses()
    {
        OneDnnTests.Need();
        if (OneDnnLibrary.CpuRuntime != "OMP") Assert.Inconclusive(OpenMp.UnavailableReason!);
        Assert.IsTrue(OpenMp.IsAvailable, OpenMp.UnavailableReason);
        StringAssert.Contains(OpenMp.LibraryPath, "omp");
        var before = OpenMp.GetMaxThreads();
        try
        {
            foreach (var threads in new[] { 1, 3 })
            {
                OpenMp.SetNumThreads(threads);
                Assert.AreEqual(threads, OpenMp.GetMaxThreads());
            }
            OpenMp.SetNumThreads(0);
            Assert.AreEqual(3, OpenMp.GetMaxThreads(), "a number that OpenMP does not allow was passed on");
        }
        finally
        {
            OpenMp.SetNumThreads(before);
        }
    }
}
