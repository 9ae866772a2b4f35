using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Tests;

/// <summary>
/// The protocol double of cuDNN and CUDA: built once, loaded into this process in the place of the real libraries, and told what to do.
/// Nothing here says anything of a GPU.
/// </summary>
[TestClass]
public static unsafe class Double
{
    private static nint s_core;

    /// <summary>The repository's folder <paramref name="parts"/>.</summary>
    public static string Source(params string[] parts) => Path.GetFullPath(Path.Combine([Folder(), "..", "..", .. parts]));

    /// <summary>Where the double lies; null where it could not be built.</summary>
    public static string? Home { get; private set; }

    private static string? Missing { get; set; }

    [AssemblyInitialize]
    public static void BuildAndLoad(TestContext context)
    {
        _ = context;
        if (!OperatingSystem.IsLinux())
        {
            Missing = "the double is for Linux";
            return;
        }

        string home = Path.Combine(AppContext.BaseDirectory, "double");
        if (!Build(home, "90800")) return;
        Home = home;
        Environment.SetEnvironmentVariable(CudaLibraries.Variable, home);
        s_core = NativeLibrary.Load(Path.Combine(home, "core", "libconvnative_double.so"));
    }

    /// <summary>
    /// Builds a double whose cuDNN says that it is <paramref name="version"/> (with "names" only the files that hold nothing else); false, with
    /// the reason kept, without a compiler.
    /// </summary>
    public static bool Build(string folder, params string[] version)
    {
        try
        {
            Start(Source("tests", "protocol-double", "build.sh"), [folder, .. version]);
            return true;
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            Missing = e.Message;
            return false;
        }
        catch (InvalidOperationException e)
        {
            Missing = e.Message;
            return false;
        }
    }

    /// <summary>Ends the test where there is no double, and makes it forget what earlier tests did.</summary>
    public static void Need()
    {
        if (Home is null) Engines.Skip("cc", Missing ?? "the protocol double was not built");
        CudaLoadReport report = CudaLibraries.Load();
        Assert.IsTrue(report.IsLoaded && report.IsDouble, report.ToString());
        Reset();
    }

    public static void Reset() => ((delegate* unmanaged[Cdecl]<void>)Export("convnative_double_reset"))();

    /// <summary>The <paramref name="nth"/> call from now of a function ("*": of any) fails with a status.</summary>
    public static void Fail(string function, int nth, int status)
    {
        fixed (byte* name = Utf8(function)) ((delegate* unmanaged[Cdecl]<byte*, int, int, void>)Export("convnative_double_fail"))(name, nth, status);
    }

    /// <summary>Orders to fail that no call has met.</summary>
    public static int OrdersLeft => Number("convnative_double_orders_left");

    public static int Misuses => Number("convnative_double_misuses");

    public static int GuardErrors => Number("convnative_double_guard_errors");

    public static int LiveObjects => Number("convnative_double_live_objects");

    public static ulong MemoryLimit
    {
        set => ((delegate* unmanaged[Cdecl]<ulong, void>)Export("convnative_double_memory_limit"))(value);
    }

    public static ulong MemoryUsed => ((delegate* unmanaged[Cdecl]<ulong>)Export("convnative_double_memory_used"))();

    public static string Log => Text(0);

    /// <summary>Live objects by kind, a line each.</summary>
    public static string Ledger => Text(1);

    public static string MisuseText => Text(2);

    /// <summary>The names of all calls since the last <see cref="Reset"/>, in order.</summary>
    public static string[] Calls => Text(3).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public static int CallsOf(string function)
    {
        fixed (byte* name = Utf8(function)) return ((delegate* unmanaged[Cdecl]<byte*, int>)Export("convnative_double_calls"))(name);
    }

    /// <summary>Runs a program to its end and gives its standard output.</summary>
    /// <exception cref="InvalidOperationException">It ended with another code than 0.</exception>
    public static string Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {error.Result}");
    }

    private static byte[] Utf8(string s) => Encoding.UTF8.GetBytes(s + "\0");

    private static nint Export(string name) => NativeLibrary.GetExport(s_core, name);

    private static int Number(string name) => ((delegate* unmanaged[Cdecl]<int>)Export(name))();

    private static string Text(int which)
    {
        var copy = (delegate* unmanaged[Cdecl]<int, byte*, ulong, ulong>)Export("convnative_double_text");
        byte[] buffer = new byte[copy(which, null, 0) + 1];
        fixed (byte* b = buffer) copy(which, b, (ulong)buffer.Length);
        return Encoding.UTF8.GetString(buffer, 0, buffer.Length - 1);
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
