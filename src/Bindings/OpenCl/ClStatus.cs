using System.Diagnostics.CodeAnalysis;
using System.Text;
using Silk.NET.OpenCL;

namespace ConvNative.Bindings.OpenCl;

/// <summary>What functions of OpenCL return. They are named as <see cref="CL"/> names them; messages have the names of C.</summary>
public static class ClStatus
{
    private const string Library = "OpenCL";

    /// <summary>Throws unless <paramref name="status"/> is success.</summary>
    /// <param name="status">What was returned.</param>
    /// <param name="function">The method of <see cref="CL"/>, as <c>nameof</c> gives it.</param>
    /// <exception cref="NativeCallException">The call failed.</exception>
    public static void ThrowIfFailed(int status, string function)
    {
        if (status != (int)ErrorCodes.Success) Throw(status, function);
    }

    /// <summary>The exception for a failed call, to throw or to wrap.</summary>
    /// <param name="status">What was returned.</param>
    /// <param name="function">The method of <see cref="CL"/>, as <c>nameof</c> gives it.</param>
    public static NativeCallException Failure(int status, string function) => new(Library, NativeName(function), Name(status), status);

    /// <summary>The status as C's headers name it, for example <c>CL_OUT_OF_RESOURCES</c>.</summary>
    public static string Name(int status)
    {
        // The attributes that have C's names do not outlive trimming; the names of an enumeration do.
        if (Enum.GetName((ErrorCodes)status) is not { } name) return "unknown status";
        var text = new StringBuilder("CL");
        for (int i = 0; i < name.Length; i++)
        {
            // SpecID and GLObject: a word begins after a small letter, and where a small letter follows.
            if (char.IsUpper(name[i]) && (i == 0 || char.IsLower(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])))) text.Append('_');
            text.Append(char.ToUpperInvariant(name[i]));
        }

        return text.ToString();
    }

    /// <summary>The function as C names it.</summary>
    /// <param name="function">The method of <see cref="CL"/>.</param>
    public static string NativeName(string function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return "cl" + function.Replace(nameof(CL.EnqueueNdrangeKernel), "EnqueueNDRangeKernel", StringComparison.Ordinal);
    }

    [DoesNotReturn]
    internal static void ThrowNull(string function) => NativeCallException.ThrowNull(Library, NativeName(function));

    [DoesNotReturn]
    private static void Throw(int status, string function) => throw Failure(status, function);
}
