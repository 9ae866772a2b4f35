using System.Reflection;
using System.Runtime.InteropServices;

namespace ConvNative.Bindings.Loading;

/// <summary>The libraries of this process: one result each, success or failure, and the assembly's only import resolver.</summary>
internal static class NativeLibraries
{
    private static readonly Lock s_lock = new();
    private static readonly Dictionary<string, NativeLoadResult> s_results = [];
    private static bool s_registered;

    /// <summary>Loads a library at the first call and answers from memory afterwards. Thread-safe.</summary>
    public static NativeLoadResult Load(NativeLibraryDescription library)
    {
        lock (s_lock)
        {
            EnsureRegistered();
            if (s_results.TryGetValue(library.ImportName, out var result)) return result;
            result = NativeLoader.Probe(library, Environment.GetEnvironmentVariable);
            s_results.Add(library.ImportName, result);
            return result;
        }
    }

    /// <summary>
    /// Forgets a failure, so that the next <see cref="Load"/> tries again; false if the library is loaded: the runtime
    /// has bound imports to it and cannot let it go.
    /// </summary>
    public static bool Reset(string importName)
    {
        lock (s_lock)
        {
            if (s_results.TryGetValue(importName, out var result) && result.Report.IsLoaded) return false;
            s_results.Remove(importName);
            return true;
        }
    }

    /// <summary>Makes a library known that was loaded elsewhere, as part of a set.</summary>
    public static void Add(string importName, NativeLoadResult result)
    {
        lock (s_lock)
        {
            EnsureRegistered();
            s_results[importName] = result;
        }
    }

    private static void EnsureRegistered()
    {
        if (s_registered) return;
        NativeLibrary.SetDllImportResolver(typeof(NativeLibraries).Assembly, Resolve);
        s_registered = true;
    }

    internal static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        lock (s_lock)
        {
            if (!s_results.TryGetValue(name, out var result)) return 0;
            // Returning zero would let the runtime search by itself, past every check.
            return result.Report.IsLoaded ? result.Handle : throw new DllNotFoundException(result.Report.ToString());
        }
    }
}
