namespace ConvNative.Bindings.Generator;

/// <summary>Something the user must put right; its message is all that is printed.</summary>
internal class GeneratorException(string message) : Exception(message);

/// <summary>clang or the headers are not on this machine: regeneration is impossible, which isn't the same as wrong.</summary>
internal sealed class MissingInputException(string message) : GeneratorException(message);
