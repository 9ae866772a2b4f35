using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Bindings;
using ConvNative.Bindings.Generator;
using ConvNative.Bindings.Handles;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OpenCl;

namespace ConvNative.Tests.OpenCl;

/// <summary>The generated bindings and the loader of OpenCL.</summary>
[TestClass]
public sealed unsafe class OpenClBindingTests
{
    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "src", "Bindings"));

    [TestMethod]
    public void RegenerationChangesNothing()
    {
        if (!Directory.Exists(Path.Combine(Root(), "Generator"))) Assert.Inconclusive("the sources are not where this was compiled");
        using var output = new StringWriter();
        using var error = new StringWriter();
        int code = CommandLine.Run(["--check", "--library", "opencl", "--root", Root()], output, error);
        if (code == 3) Engines.Skip("opencl-headers", error.ToString());
        if (output.ToString().Contains("+ // Input sha256", StringComparison.Ordinal)) Assert.Inconclusive($"headers of another release: {output}");
        Assert.AreEqual(0, code, $"{output}{error}");
        Assert.AreEqual("", error.ToString());
    }

    [TestMethod]
    public void EveryFunctionOf12IsInTheLibraryAndLaterOnesAreAskedFor()
    {
        NeedLoader();
        var required = Cl.RequiredSymbols().ToHashSet();
        MethodInfo[] imports = [.. typeof(Cl).GetMethods(BindingFlags.Public | BindingFlags.Static).Where(m => m.IsDefined(typeof(DllImportAttribute)))];
        Assert.IsGreaterThan(100, imports.Length);
        foreach (MethodInfo import in imports)
        {
            bool there = OpenClLibrary.Has(import.Name);
            if (required.Contains(import.Name)) Assert.IsTrue(there, import.Name);
            if (there) Marshal.Prelink(import);
            else Assert.ThrowsExactly<EntryPointNotFoundException>(() => Marshal.Prelink(import), import.Name);
        }

        Assert.IsFalse(OpenClLibrary.Has("clNoSuchFunction"));
    }

    [TestMethod]
    public void TheVersionIsThatOfTheNewestFunctions()
    {
        using var folder = new TemporaryFolder();
        string functions = string.Concat(Cl.RequiredSymbols().Select(name => $"extern \"C\" void {name}() {{}}\n"));
        NativeLoadReport report = Probe("extern \"C\" void clCreateCommandQueueWithProperties() {}\n" + functions);
        Assert.IsTrue(report.IsLoaded, report.ToString());
        Assert.AreEqual(new Version(2, 0), report.Version);
        Assert.AreEqual(new Version(1, 2), Probe(functions).Version);

        report = Probe("extern \"C\" void clGetPlatformIDs() {} extern \"C\" void clSetEventCallback() {}");
        Assert.AreEqual(NativeLoadOutcome.VersionOutOfRange, report.Candidates.Single().Outcome, report.ToString());

        report = Probe(functions.Replace("void clCreateKernel()", "void clOther()", StringComparison.Ordinal));
        Assert.AreEqual(NativeLoadOutcome.SymbolMissing, report.Candidates.Single().Outcome);
        Assert.AreEqual("clCreateKernel", report.Candidates[0].Detail);

        NativeLoadReport Probe(string source)
        {
            string library = Compiler.Library(folder.Path, $"lib{Guid.NewGuid():n}.so", source);
            NativeLoadResult result = NativeLoader.Probe(OpenClLibrary.Description, name => name == OpenClLibrary.Variable ? library : null);
            if (result.Handle != 0) NativeLibrary.Free(result.Handle);
            return result.Report;
        }
    }

    [TestMethod]
    public void TheVersionedNameComesFirst()
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("names of Linux");
        var library = OpenClLibrary.Description with { FileName = "libconvnativecl.so.1", OtherFileNames = ["libconvnativecl.so"] };
        using var folder = new TemporaryFolder();
        NativeLoadReport report = NativeLoader.Probe(library, name => name == OpenClLibrary.Variable ? folder.Path : null).Report;
        string[] files = [.. report.Candidates.Select(c => Path.GetFileName(c.Path)).Distinct()];
        CollectionAssert.AreEqual(new[] { "libconvnativecl.so.1", "libconvnativecl.so" }, files);
        report = NativeLoader.Probe(library, _ => null).Report;
        CollectionAssert.AreEqual(
            new[] { "libconvnativecl.so.1", "libconvnativecl.so" },
            report.Candidates.Where(c => c.Source == "system").Select(c => c.Path).ToArray());
        Assert.AreEqual(library.InstallHint, report.Remedy);
    }

    [TestMethod]
    public void AStatusHasItsName()
    {
        var e = Assert.ThrowsExactly<NativeCallException>(() => ClStatus.ThrowIfFailed(-11, "clBuildProgram"));
        Assert.AreEqual("CL_BUILD_PROGRAM_FAILURE", e.StatusName);
        Assert.AreEqual("CL_INVALID_WORK_GROUP_SIZE", ClStatus.Name(-54));
        Assert.AreEqual("CL_SUCCESS", ClStatus.Name(0));
        Assert.AreEqual("unknown status", ClStatus.Name(-9999));
        ClStatus.ThrowIfFailed(Cl.CL_SUCCESS, "clFinish");
    }

    [TestMethod]
    public void AChildOutlivesItsParentsDisposal()
    {
        NeedLoader();
        cl_platform_id platform;
        uint platforms;
        if (Cl.clGetPlatformIDs(1, &platform, &platforms) != 0 || platforms == 0) Engines.Skip("opencl", "no platform");
        cl_device_id device;
        ClStatus.ThrowIfFailed(Cl.clGetDeviceIDs(platform, Cl.CL_DEVICE_TYPE_ALL, 1, &device, null), nameof(Cl.clGetDeviceIDs));
        int status;
        cl_context raw = Cl.clCreateContext(null, 1, &device, null, null, &status);
        ClStatus.ThrowIfFailed(status, nameof(Cl.clCreateContext));
        ClContextHandle context = ClContextHandle.Adopt(raw, nameof(Cl.clCreateContext));
        cl_mem memory = Cl.clCreateBuffer(context.Raw, Cl.CL_MEM_READ_WRITE, 64, null, &status);
        ClStatus.ThrowIfFailed(status, nameof(Cl.clCreateBuffer));
        ClMemHandle mem = ClMemHandle.Adopt(memory, nameof(Cl.clCreateBuffer), context);
        long released = HandleLedger.ReleasedCount;
        context.Dispose();
        Assert.AreEqual(released, HandleLedger.ReleasedCount);
        nuint size;
        ClStatus.ThrowIfFailed(Cl.clGetMemObjectInfo(mem.Raw, Cl.CL_MEM_SIZE, (nuint)sizeof(nuint), &size, null), nameof(Cl.clGetMemObjectInfo));
        Assert.AreEqual((nuint)64, size);
        mem.Dispose();
        Assert.AreEqual(released + 2, HandleLedger.ReleasedCount);
    }

    private static void NeedLoader()
    {
        NativeLoadReport report = OpenClLibrary.Load();
        if (!report.IsLoaded) Engines.Skip("opencl", report.ToString());
    }
}
