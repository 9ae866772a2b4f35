using System.Numerics;

namespace ConvNative.Bindings.Generator;

internal sealed record CFunction(string Name, CType Result, IReadOnlyList<CParameter> Parameters, bool Variadic);

internal sealed record CParameter(string Name, CType Type);

internal sealed record CField(string Name, CType Type);

internal sealed record CEnumerator(string Name, BigInteger Value);

internal sealed record CEnum(string Tag, IReadOnlyList<CEnumerator> Members);

/// <summary>A struct or union; <see cref="Problem"/> says why its layout cannot be expressed.</summary>
internal sealed record CRecord(string Kind, string Tag, IReadOnlyList<CField> Fields, string? Problem);

/// <summary>A macro's value; exactly one of <see cref="Value"/> and <see cref="Literal"/> is set.</summary>
internal sealed record CConstant(string Name, CType Type, BigInteger? Value, string? Literal);

/// <summary>What a translation unit declares, in the order of the headers.</summary>
internal sealed class Declarations
{
    public Dictionary<string, CType> Typedefs { get; } = [];
    public List<string> TypedefOrder { get; } = [];
    public Dictionary<string, CEnum> Enums { get; } = [];
    public List<CEnum> AnonymousEnums { get; } = [];

    /// <summary>Complete records; a tag that is not here is opaque.</summary>
    public Dictionary<string, CRecord> Records { get; } = [];

    public List<CFunction> Functions { get; } = [];
}
