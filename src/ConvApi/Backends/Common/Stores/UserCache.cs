namespace ConvNative.Backends.Common.Stores;

/// <summary>
/// Where what was compiled and measured is kept: the folder that <see cref="Variable"/> names, else <c>$XDG_CACHE_HOME/convnative</c>, else
/// <c>~/.cache/convnative</c>.
/// </summary>
internal static class UserCache
{
    /// <summary>Names another folder, for tests or for a machine's own cache.</summary>
    public const string Variable = "CONVNATIVE_CACHE";

    /// <summary>The folder called <paramref name="name"/> of the cache; null without a home: a relative path would land in whatever folder the caller is in.</summary>
    public static string? Folder(string name)
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named) return Path.Combine(named, name);
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string? cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } x ? x : home.Length > 0 ? Path.Combine(home, ".cache") : null;
        return cache is null ? null : Path.Combine(cache, "convnative", name);
    }
}
