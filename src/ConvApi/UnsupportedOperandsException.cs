using ConvNative.Problems;

namespace ConvNative;

/// <summary>
/// The engine computes the problem, but not with these tensors: infinite or NaN weights where its kernels would multiply them with the zeros
/// of padding, which must not tell. Thrown by every engine alike before anything is computed; <c>auto</c> goes on to the next engine.
/// </summary>
public sealed class UnsupportedOperandsException : NotSupportedException
{
    /// <summary>Composes the message from engine, reason and problem.</summary>
    public UnsupportedOperandsException(string backend, string reason, ConvProblem problem)
        : base($"{backend}: {reason} ({problem})") => (Backend, Reason, Problem) = (backend, reason, problem);

    /// <summary>The engine.</summary>
    public string Backend { get; }

    /// <summary>Which tensor, which element, and the rule.</summary>
    public string Reason { get; }

    /// <summary>The problem.</summary>
    public ConvProblem Problem { get; }
}
