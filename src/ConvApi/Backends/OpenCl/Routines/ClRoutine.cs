namespace ConvNative.Backends.OpenCl.Routines;

/// <summary>
/// One way to compute some problems on some devices: a file <c>native/opencl/NAME.cl</c> and the host code for it. Has no state; see
/// <see cref="Choice.ClRoutines"/> for the order in which routines are asked.
/// </summary>
internal abstract class ClRoutine
{
    /// <summary>The name of the kernel file, of the host's class and of its tests.</summary>
    public abstract string Name { get; }

    /// <summary>The answer of a routine to a kind of problem that is not its own: no reason worth telling.</summary>
    public const string NotMine = "";

    /// <summary>A routine without tiles or vectors: where another serves, it is worth trying for small problems only.</summary>
    public virtual bool IsPlain => false;

    /// <summary>Why this routine does not serve the request (<see cref="NotMine"/> where it was never meant to), or null. Cheap: builds nothing.</summary>
    public abstract string? Lacking(ClRequest request);

    /// <summary>Where the tuner begins with a request that this routine serves, by name; the routine's own choice is the empty name.</summary>
    public virtual IReadOnlyList<string> Variants(ClRequest request) => [""];

    /// <summary>What the tuner may try next where <paramref name="variant"/> is the best so far: variants that differ from it in one thing.</summary>
    public virtual IEnumerable<string> Near(ClRequest request, string variant) => [];

    /// <summary>Whether <paramref name="variant"/>, which may come from an older version, still names one for this request.</summary>
    public virtual bool Has(ClRequest request, string variant) => Variants(request).Contains(variant);

    /// <summary>Makes the plan of a request that it serves. Kernels may be compiled here.</summary>
    public abstract ClPlan Create(ClRequest request);
}
