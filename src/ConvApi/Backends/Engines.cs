namespace ConvNative.Backends;

/// <summary>The engines of this build, in order of preference where no measurement decides.</summary>
public static class Engines
{
    private static readonly ConvBackend[] s_all = [new OneDnn.OneDnnBackend(), new Managed.ManagedBackend()];

    /// <summary>All engines, available or not.</summary>
    public static IReadOnlyList<ConvBackend> All => s_all;

    /// <summary>The engine called <paramref name="name"/>, or null.</summary>
    public static ConvBackend? Find(string name) => Array.Find(s_all, b => b.Name == name);
}
