namespace ConvNative.Backends.Common.Threads;

/// <summary>
/// Threads of another runtime in this process. Such threads wait for their next work on the processor for a while; work for which that runtime's
/// own work is the neighbour goes to them, because threads of ours would have to share those processors with threads that do nothing.
/// </summary>
internal interface IThreadTeam
{
    /// <summary>Whether the calling thread's team is likely to be waiting on the processors.</summary>
    bool IsAwake { get; }

    /// <summary>
    /// Runs all parts on at most <paramref name="threads"/> threads; false, and nothing done, where it cannot. The number should be that of the other
    /// runtime's own work, also for fewer parts: OpenMP ends the threads that a smaller team leaves over.
    /// </summary>
    bool TryRun(IParallelWork work, long parts, int threads);
}
