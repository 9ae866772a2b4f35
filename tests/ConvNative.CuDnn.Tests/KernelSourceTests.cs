namespace ConvNative.Tests;

/// <summary>The kernels are CUDA, not only C++ that the double's compiler takes: clang translates every file for a GPU, in every type that it is used with.</summary>
[TestClass]
public sealed class KernelSourceTests
{
    private static readonly string[] s_macros = ["BYTES=4 X_TYPE=0 Y_TYPE=0 B_TYPE=0", "BYTES=2 X_TYPE=2 Y_TYPE=0 B_TYPE=2", "BYTES=2 X_TYPE=3 Y_TYPE=0 B_TYPE=3", "BYTES=8 X_TYPE=1 Y_TYPE=1 B_TYPE=1", "BYTES=1 X_TYPE=5 Y_TYPE=4 B_TYPE=6"];

    public static IEnumerable<object[]> Files => Directory.GetFiles(Double.Source("native", "cuda"), "*.cu").Select(f => new object[] { Path.GetFileName(f) });

    [TestMethod]
    [DynamicData(nameof(Files))]
    public void CompilesForAGpu(string file)
    {
        string? clang = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator).Where(Directory.Exists).SelectMany(d => Directory.GetFiles(d, "clang*"))
            .Where(f => System.Text.RegularExpressions.Regex.IsMatch(Path.GetFileName(f), "^clang(-[0-9]+)?$", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1))).Order().FirstOrDefault();
        if (clang is null) Engines.Skip("clang", "no clang on PATH");
        if (!Double.Start(clang, "--print-targets").Contains("nvptx64", StringComparison.Ordinal)) Engines.Skip("clang-nvptx", $"{clang} has no NVPTX target");
        using var folder = new TemporaryFolder();
        foreach (string macros in s_macros)
        {
            // Integers are not what these are made for.
            if (macros.StartsWith("BYTES=1", StringComparison.Ordinal) && file is "epilogue.cu" or "deform.cu") continue;
            string ptx = folder.File("out.ptx");
            Double.Start(clang, [
                "-x", "cuda", "--cuda-device-only", "-nocudainc", "-nocudalib", "--cuda-gpu-arch=sm_80", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function",
                "-include", Double.Source("tests", "protocol-double", "cuda_declarations.h"), "-I", Double.Source("native", "cuda"), .. macros.Split(' ').Select(m => "-D" + m), "-O1", "-S", "-o", ptx, Double.Source("native", "cuda", file)]);
            string text = File.ReadAllText(ptx);
            foreach (System.Text.RegularExpressions.Match kernel in System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(Double.Source("native", "cuda", file)), "__global__ void ([a-z0-9_]+)", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)))
                StringAssert.Contains(text, $".visible .entry {kernel.Groups[1].Value}(");
        }
    }
}
