using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Bindings.OpenCl;

namespace ConvNative.Tests.OpenCl;

/// <summary>Programs and the cache of their binaries.</summary>
[TestClass]
public sealed class ProgramTests
{
    private const string Source = "kernel void twice(global float *x) { x[get_global_id(0)] *= 2; }";

    [TestMethod]
    public void ABinaryIsUsedAgainAndADamagedOneIsMadeAnew()
    {
        ClDevice device = OpenClDevices.First();
        using var folder = new TemporaryFolder();
        string text = $"// {Guid.NewGuid()}\n{Source}";
        Assert.AreEqual(1, Compilations(), "a new program was not compiled");
        Assert.AreEqual(0, Compilations(), "the binary was not used");

        string file = Directory.GetFiles(folder.Path).Single();
        byte[] whole = File.ReadAllBytes(file);
        foreach (int cut in new[] { 0, 10, 40, whole.Length / 2 })
        {
            File.WriteAllBytes(file, whole[..cut]);
            Assert.AreEqual(1, Compilations(), $"cut to {cut} bytes");
        }

        byte[] flipped = [.. whole];
        flipped[^5] ^= 0x10;
        File.WriteAllBytes(file, flipped);
        Assert.AreEqual(1, Compilations(), "a bit flipped");
        Assert.AreEqual(0, Compilations(), "the new binary was not stored");

        // Whole, but no binary of this driver.
        ClBinaryCache.Write(file, [1, 2, 3, 4, 5, 6, 7, 8]);
        Assert.AreEqual(1, Compilations(), "another driver's binary");

        int Compilations()
        {
            var programs = new ClPrograms(device, new ClBinaryCache(folder.Path));
            using ClProgramHandle program = programs.Build("twice", text, "");
            using var kernel = new ClKernel(device, program, "twice");
            using ClMemHandle memory = device.AllocateMemory<float>(Enumerable.Repeat(3f, 64).ToArray());
            kernel.Set(0, memory);
            kernel.Enqueue(64);
            var result = new float[64];
            unsafe
            {
                fixed (float* r = result) device.Read(memory.Raw, r, 0, 256);
            }

            Assert.IsTrue(Array.TrueForAll(result, v => v == 6), "the program computes something else");
            return programs.Compiled;
        }
    }

    [TestMethod]
    public void OptionsAndDriverDecideTheFile()
    {
        var cache = new ClBinaryCache("/somewhere");
        string?[] files = [cache.FileOf("a", "b", "c"), cache.FileOf("x", "b", "c"), cache.FileOf("a", "x", "c"), cache.FileOf("a", "b", "x"), cache.FileOf("a", "b\nc", "")];
        Assert.HasCount(files.Length, files.Distinct().ToArray());
        Assert.IsNull(new ClBinaryCache(null).FileOf("a", "b", "c"));
        Assert.IsNull(ClBinaryCache.TryRead(null));
    }

    [TestMethod]
    public void WithoutAWritableCacheProgramsAreCompiled()
    {
        ClDevice device = OpenClDevices.First();
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("taken"), "a file where a folder should be");
        var programs = new ClPrograms(device, new ClBinaryCache(folder.File("taken")));
        using ClProgramHandle program = programs.Build("twice", Source, "");
        Assert.AreEqual(1, programs.Compiled);
    }

    [TestMethod]
    public void ABuildErrorShowsTheCompilersLogAndTheKernelsName()
    {
        var programs = new ClPrograms(OpenClDevices.First(), new ClBinaryCache(null));
        var e = Assert.ThrowsExactly<ConvNativeException>(() => programs.Build("broken", "kernel void f(global float *x) { x[0] = no_such_name; }", "-DA=1"));
        Assert.Contains("broken.cl", e.Message);
        Assert.Contains("no_such_name", e.Message);
        Assert.Contains("-DA=1", e.Message);
        Assert.AreEqual("CL_BUILD_PROGRAM_FAILURE", e.Status);
    }
}
