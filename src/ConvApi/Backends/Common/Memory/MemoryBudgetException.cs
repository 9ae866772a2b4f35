namespace ConvNative.Backends.Common.Memory;

/// <summary>A way to compute a problem takes more memory than a plan may hold; another one is taken, or this is the reason why there is none.</summary>
internal sealed class MemoryBudgetException(Int128 bytes, long most)
    : Exception($"needs {bytes} bytes of memory or more: a plan may hold its operands and {MemoryBudget.Beyond >> 20} MiB, here {most} bytes");
