namespace ConvNative.Bindings.Generator;

/// <summary>A C type without qualifiers: they do not change the ABI.</summary>
internal abstract record CType;

/// <summary>A builtin or a typedef name.</summary>
internal sealed record NamedType(string Name) : CType;

/// <summary>A struct, union or enum by its tag.</summary>
internal sealed record TagType(string Kind, string Tag) : CType;

internal sealed record PointerType(CType Target) : CType;

internal sealed record ArrayType(CType Element, int Length) : CType;

internal sealed record FunctionType(CType Result, IReadOnlyList<CType> Parameters, bool Variadic) : CType;
