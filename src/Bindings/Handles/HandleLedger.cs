using System.Collections.Concurrent;

namespace ConvNative.Bindings.Handles;

/// <summary>Counts native objects, so that a test can prove that each was destroyed, and none by a finalizer.</summary>
internal static class HandleLedger
{
    private static long s_created;
    private static long s_released;
    private static long s_finalized;
    private static readonly ConcurrentDictionary<string, long> s_alive = new();
    private static readonly ConcurrentDictionary<string, long> s_leaks = new();

    /// <summary>Objects made since the process started.</summary>
    public static long CreatedCount => Interlocked.Read(ref s_created);

    /// <summary>Objects destroyed, by whatever means.</summary>
    public static long ReleasedCount => Interlocked.Read(ref s_released);

    /// <summary>Objects that nobody disposed.</summary>
    public static long FinalizedCount => Interlocked.Read(ref s_finalized);

    /// <summary>Objects per type that have not been destroyed yet; types without any are left out.</summary>
    public static IReadOnlyDictionary<string, long> Alive => s_alive.Where(pair => pair.Value != 0).ToDictionary();

    /// <summary>Objects per type that nobody disposed.</summary>
    public static IReadOnlyDictionary<string, long> Leaks => s_leaks.ToDictionary();

    internal static void Created(NativeHandle handle)
    {
        Interlocked.Increment(ref s_created);
        s_alive.AddOrUpdate(handle.GetType().Name, 1, static (_, count) => count + 1);
    }

    internal static void Released(NativeHandle handle)
    {
        Interlocked.Increment(ref s_released);
        s_alive.AddOrUpdate(handle.GetType().Name, -1, static (_, count) => count - 1);
    }

    internal static void LeftToFinalizer(NativeHandle handle)
    {
        Interlocked.Increment(ref s_finalized);
        s_leaks.AddOrUpdate(handle.GetType().Name, 1, static (_, count) => count + 1);
    }
}
