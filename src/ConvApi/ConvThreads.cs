namespace ConvNative;

/// <summary>The processors that the process gives to convolutions.</summary>
public static class ConvThreads
{
    private static volatile int s_limit = int.MaxValue;

    /// <summary>
    /// Most threads of any run, its caller's counted, whatever its <see cref="Plans.PlanOptions.MaxThreads"/> says, and most runs of one plan at a time; all
    /// processors of the process unless set. Our own threads are shared by all plans and fewer than this; oneDNN has a team of so many for the first
    /// thread that runs it, and one for all others together. Takes effect for plans made from then on.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is less than 1.</exception>
    public static int Max
    {
        get => Math.Min(s_limit, Environment.ProcessorCount);
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1, nameof(Max));
            s_limit = value;
        }
    }

    /// <summary>No limit where nobody set one: who asks for more threads than there are processors gets them.</summary>
    internal static int Limit => s_limit;

    /// <summary>What a plan that may use <paramref name="wanted"/> threads (0: all) may use.</summary>
    internal static int Of(int wanted) => wanted > 0 ? Math.Min(wanted, s_limit) : Max;
}
