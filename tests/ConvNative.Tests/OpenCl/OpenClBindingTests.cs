using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using ConvNative.Bindings;
using ConvNative.Bindings.Handles;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OpenCl;
using Silk.NET.Core.Attributes;
using Silk.NET.OpenCL;

namespace ConvNative.Tests.OpenCl;

/// <summary>Silk.NET's OpenCL over our loader, statuses and handles.</summary>
[TestClass]
public sealed unsafe class OpenClBindingTests
{
    [TestMethod]
    public void EveryFunctionThatIsCalledIsRequiredOfALibrary()
    {
        string[] called = [.. new[] { "ConvNative", "ConvNative.Bindings" }.SelectMany(Called).Distinct().Select(ClStatus.NativeName)];
        Assert.IsGreaterThan(25, called.Length);
        CollectionAssert.IsSubsetOf(called, OpenClLibrary.RequiredFunctions.ToArray());
    }

    [TestMethod]
    public void TheLoadedLibraryHasWhatIsRequired()
    {
        NeedLoader();
        foreach (string function in OpenClLibrary.RequiredFunctions) Assert.IsTrue(OpenClLibrary.Has(function), function);
        Assert.IsFalse(OpenClLibrary.Has("clNoSuchFunction"));
        CL one = OpenClLibrary.Api;
        Assert.AreSame(one, OpenClLibrary.Api);
    }

    [TestMethod]
    public void TheVersionIsThatOfTheNewestFunctions()
    {
        using var folder = new TemporaryFolder();
        string functions = string.Concat(OpenClLibrary.RequiredFunctions.Select(name => $"extern \"C\" void {name}() {{}}\n"));
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
        var e = Assert.ThrowsExactly<NativeCallException>(() => ClStatus.ThrowIfFailed(-11, nameof(CL.BuildProgram)));
        Assert.AreEqual("OpenCL: clBuildProgram returned CL_BUILD_PROGRAM_FAILURE (-11)", e.Message);
        Assert.AreEqual(("clBuildProgram", "CL_BUILD_PROGRAM_FAILURE"), (e.Function, e.StatusName));
        Assert.AreEqual("CL_INVALID_WORK_GROUP_SIZE", ClStatus.Name(-54));
        Assert.AreEqual("CL_SUCCESS", ClStatus.Name(0));
        Assert.AreEqual("unknown status", ClStatus.Name(-9999));
        Assert.AreEqual("clEnqueueNDRangeKernel(direct)", ClStatus.NativeName($"{nameof(CL.EnqueueNdrangeKernel)}(direct)"));
        ClStatus.ThrowIfFailed((int)ErrorCodes.Success, nameof(CL.Finish));
    }

    [TestMethod]
    public void NamesOfStatusesAreThoseOfTheHeaders()
    {
        FieldInfo[] codes = typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static);
        Assert.IsGreaterThan(60, codes.Length);
        // Vendors' extensions share a few values.
        foreach (IGrouping<int, FieldInfo> same in codes.GroupBy(code => (int)code.GetRawConstantValue()!))
            Assert.Contains(ClStatus.Name(same.Key), same.Select(code => code.GetCustomAttribute<NativeNameAttribute>()!.Name).ToArray());
    }

    [TestMethod]
    public void AChildOutlivesItsParentsDisposal()
    {
        NeedLoader();
        CL cl = OpenClLibrary.Api;
        nint platform, device;
        uint platforms;
        if (cl.GetPlatformIDs(1, &platform, &platforms) != 0 || platforms == 0) Engines.Skip("opencl", "no platform");
        ClStatus.ThrowIfFailed(cl.GetDeviceIDs(platform, DeviceType.All, 1, &device, null), nameof(CL.GetDeviceIDs));
        int status;
        nint raw = cl.CreateContext(null, 1, &device, null, null, &status);
        ClStatus.ThrowIfFailed(status, nameof(CL.CreateContext));
        ClContextHandle context = ClContextHandle.Adopt(raw, nameof(CL.CreateContext));
        nint memory = cl.CreateBuffer(context.Raw, MemFlags.ReadWrite, 64, null, &status);
        ClStatus.ThrowIfFailed(status, nameof(CL.CreateBuffer));
        ClMemHandle mem = ClMemHandle.Adopt(memory, nameof(CL.CreateBuffer), context);
        long released = HandleLedger.ReleasedCount;
        context.Dispose();
        Assert.AreEqual(released, HandleLedger.ReleasedCount);
        nuint size;
        ClStatus.ThrowIfFailed(cl.GetMemObjectInfo(mem.Raw.Value, MemInfo.Size, (nuint)sizeof(nuint), &size, null), nameof(CL.GetMemObjectInfo));
        Assert.AreEqual((nuint)64, size);
        mem.Dispose();
        Assert.AreEqual(released + 2, HandleLedger.ReleasedCount);
    }

    // The methods of Silk's class that an assembly refers to, read from its metadata.
    private static string[] Called(string assembly)
    {
        using var image = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));
        MetadataReader reader = image.GetMetadataReader();
        return [.. reader.MemberReferences.Select(reader.GetMemberReference)
            .Where(m => m.Parent.Kind == HandleKind.TypeReference && reader.GetString(reader.GetTypeReference((TypeReferenceHandle)m.Parent).Name) == nameof(CL))
            .Select(m => reader.GetString(m.Name)).Where(name => name != ".ctor")];
    }

    private static void NeedLoader()
    {
        NativeLoadReport report = OpenClLibrary.Load();
        if (!report.IsLoaded) Engines.Skip("opencl", report.ToString());
    }
}
