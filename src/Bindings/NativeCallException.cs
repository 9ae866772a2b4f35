using System.Diagnostics.CodeAnalysis;

namespace ConvNative.Bindings;

/// <summary>A native function failed: which library, which function, with which status.</summary>
public sealed class NativeCallException : Exception
{
    /// <summary>Makes an exception for a failed call.</summary>
    /// <param name="library">The library's name, for example "oneDNN".</param>
    /// <param name="function">The C function that was called.</param>
    /// <param name="statusName">The status as the C header names it.</param>
    /// <param name="statusCode">The status as a number.</param>
    /// <param name="nativeMessage">The library's own words, if it has any.</param>
    public NativeCallException(string library, string function, string statusName, long statusCode, string? nativeMessage = null)
        : base($"{library}: {function} returned {statusName} ({statusCode}){(nativeMessage is null ? "" : ": " + nativeMessage)}")
    {
        Library = library;
        Function = function;
        StatusName = statusName;
        StatusCode = statusCode;
        NativeMessage = nativeMessage;
    }

    /// <summary>The library's name, for example "oneDNN".</summary>
    public string Library { get; }

    /// <summary>The C function that was called.</summary>
    public string Function { get; }

    /// <summary>The status as the C header names it, for example "dnnl_invalid_arguments".</summary>
    public string StatusName { get; }

    /// <summary>The status as a number.</summary>
    public long StatusCode { get; }

    /// <summary>The library's own words, or null.</summary>
    public string? NativeMessage { get; }

    [DoesNotReturn]
    internal static void Throw(string library, string function, string statusName, long statusCode) =>
        throw new NativeCallException(library, function, statusName, statusCode);

    [DoesNotReturn]
    internal static void ThrowNull(string library, string function) =>
        throw new NativeCallException(library, function, "success", 0, "it reported success but gave a null handle");
}
