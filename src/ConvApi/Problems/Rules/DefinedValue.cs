namespace ConvNative.Problems.Rules;

/// <summary>Refuses numbers that an enumeration does not name: a cast makes them, and every switch would take them for another value.</summary>
internal static class DefinedValue
{
    /// <summary>For a field of a problem.</summary>
    /// <exception cref="ConvProblemException">The enumeration has no such value.</exception>
    public static void Check<T>(string field, T value)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value)) throw new ConvProblemException(field, Number(value), Rule<T>());
    }

    /// <summary>For an option that is no part of a problem; returns the value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The enumeration has no such value.</exception>
    public static T Of<T>(string name, T value)
        where T : struct, Enum =>
        Enum.IsDefined(value) ? value : throw Error(name, value);

    /// <summary>For a switch that has come to its end.</summary>
    public static ArgumentOutOfRangeException Error<T>(string name, T value)
        where T : struct, Enum => new(name, value, $"{name} = {Number(value)}: {Rule<T>()}");

    private static string Number<T>(T value)
        where T : struct, Enum => value.ToString("D");

    private static string Rule<T>()
        where T : struct, Enum => $"must be one of {Names.All<T>()}";
}
