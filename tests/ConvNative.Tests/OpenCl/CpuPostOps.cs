namespace ConvNative.Tests.OpenCl;

/// <summary>What may follow a sum, in benchdnn's words: every activation, with and without residual and output scale.</summary>
internal static class CpuPostOps
{
    public static IReadOnlyList<string> All { get; } =
    [
        "relu", "relu:0.1", "clip:-1:2", "logistic", "tanh", "gelu_erf", "gelu_tanh", "swish:1", "swish:-0.5", "hardswish:0.1666667:0.5",
        "sum", "sum:0.5+relu", "sum:0.25+tanh", "linear:0.3", "sum:0.5+swish:1+linear:-0.7", "logistic+linear:2",
    ];
}
