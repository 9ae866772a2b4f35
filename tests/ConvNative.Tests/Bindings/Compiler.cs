using System.Diagnostics;

namespace ConvNative.Tests;

/// <summary>The machine's g++, for libraries and programs that tests need.</summary>
internal static class Compiler
{
    /// <summary>Runs g++; inconclusive where there is none.</summary>
    public static void Run(params string[] arguments)
    {
        try
        {
            Start("g++", arguments);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Inconclusive("g++ was not found on PATH");
        }
    }

    /// <summary>Runs a program to its end and gives its standard output.</summary>
    public static string Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.AreEqual(0, process.ExitCode, $"{program}: {error.Result}");
        return output;
    }

    /// <summary>Compiles C++ into a shared library and gives its path.</summary>
    public static string Library(string folder, string name, string source, params string[] options)
    {
        if (!OperatingSystem.IsLinux()) Assert.Inconclusive("this test builds ELF libraries");
        Directory.CreateDirectory(folder);
        var code = Path.Combine(folder, name + ".cpp");
        var library = Path.Combine(folder, name);
        File.WriteAllText(code, source);
        Run(["-shared", "-fPIC", "-O0", code, "-o", library, .. options]);
        File.Delete(code);
        return library;
    }
}
