namespace ConvNative.Backends;

/// <summary>The engines of this build, in order of preference where no measurement decides.</summary>
public static class Engines
{
    // cuDNN is last: it has not run on a GPU yet, and a call on the host's memory copies there and back. A measurement may choose it all the same.
    private static readonly ConvBackend[] s_all = [new OneDnn.OneDnnBackend(), new Managed.ManagedBackend(), new OpenCl.OpenClBackend(), new CuDnn.CuDnnBackend()];

    /// <summary>All engines, available or not.</summary>
    public static IReadOnlyList<ConvBackend> All => s_all;

    /// <summary>
    /// The engine called <paramref name="name"/> in any case, or null. <c>opencl:1</c> or <c>opencl:PART-OF-A-NAME</c> is the engine held to that device
    /// (<see cref="ConvBackend.On"/>), whether it is there or not.
    /// </summary>
    public static ConvBackend? Find(string name) => Find(name, s_all);

    /// <summary>True for <see cref="Plans.ConvPlan.Auto"/>, in any case.</summary>
    internal static bool IsAuto(string name) => name.Equals(Plans.ConvPlan.Auto, StringComparison.OrdinalIgnoreCase);

    /// <summary>As the other overload, in a list of engines.</summary>
    public static ConvBackend? Find(string name, IReadOnlyList<ConvBackend> engines)
    {
        ArgumentNullException.ThrowIfNull(name);
        int colon = name.IndexOf(':');
        ConvBackend? engine = engines.FirstOrDefault(b => b.Name.Equals(colon < 0 ? name : name[..colon], StringComparison.OrdinalIgnoreCase));
        return colon < 0 || colon == name.Length - 1 ? colon < 0 ? engine : null : engine?.On(name[(colon + 1)..]);
    }
}
