namespace ConvNative.Bindings.Generator;

/// <summary>Says how each C type is written in C#, and which types that needs.</summary>
internal sealed class TypeMap
{
    private static readonly Dictionary<string, string> Builtins = new()
    {
        ["void"] = "void", ["char"] = "byte", ["signed char"] = "sbyte", ["unsigned char"] = "byte",
        ["short"] = "short", ["unsigned short"] = "ushort", ["int"] = "int", ["unsigned int"] = "uint",
        ["long long"] = "long", ["unsigned long long"] = "ulong", ["float"] = "float", ["double"] = "double",
        ["_Bool"] = "byte", ["bool"] = "byte",
        // Only ever behind a pointer.
        ["FILE"] = "void",
        // 32 bits wide on Windows, 64 elsewhere.
        ["long"] = "CLong", ["unsigned long"] = "CULong",
        // Names whose definition differs between platforms; they are mapped before they are looked up.
        ["size_t"] = "nuint", ["ssize_t"] = "nint", ["ptrdiff_t"] = "nint", ["intptr_t"] = "nint", ["uintptr_t"] = "nuint",
        ["int8_t"] = "sbyte", ["uint8_t"] = "byte", ["int16_t"] = "short", ["uint16_t"] = "ushort",
        ["int32_t"] = "int", ["uint32_t"] = "uint", ["int64_t"] = "long", ["uint64_t"] = "ulong",
    };

    private static readonly HashSet<string> Fixable =
        ["byte", "sbyte", "short", "ushort", "int", "uint", "long", "ulong", "float", "double"];

    private readonly LibraryDescription _library;
    private readonly Declarations _declarations;

    // typedef struct x *name: the name of the handle by the record's tag. const_ variants share it.
    private readonly Dictionary<string, string> _handleOfTag = [];
    private readonly Dictionary<string, string> _nameOfTag = [];

    public TypeMap(LibraryDescription library, Declarations declarations)
    {
        _library = library;
        _declarations = declarations;
        foreach (var name in declarations.TypedefOrder)
        {
            switch (declarations.Typedefs[name])
            {
                case PointerType { Target: TagType { Kind: "struct" or "union" } tag } when IsOpaque(tag):
                    _handleOfTag.TryAdd(tag.Tag, name);
                    break;
                case TagType tag:
                    _nameOfTag.TryAdd(tag.Tag, name);
                    break;
            }
        }
        // A library may declare the const variant first, or only that one.
        foreach (var (tag, name) in _handleOfTag.ToArray())
            if (name.StartsWith("const_", StringComparison.Ordinal) && declarations.Typedefs.ContainsKey(name["const_".Length..]))
                _handleOfTag[tag] = name["const_".Length..];
    }

    public HashSet<string> UsedHandles { get; } = [];
    public HashSet<string> UsedTags { get; } = [];

    public static bool CanBeFixed(string type) => Fixable.Contains(type);

    public string NameOf(string tag) => _nameOfTag.GetValueOrDefault(tag, tag);

    /// <summary>The handle that a typedef declares or repeats, or null.</summary>
    public string? HandleOf(string typedef) => _declarations.Typedefs.GetValueOrDefault(typedef) switch
    {
        PointerType { Target: TagType { Kind: not "enum" } tag } when IsOpaque(tag) => _handleOfTag.GetValueOrDefault(tag.Tag),
        PointerType { Target: NamedType { Name: "void" } } => typedef,
        _ => null,
    };

    /// <summary>C# for a type in a signature or a field; throws if there is none.</summary>
    public string Map(CType type) => type switch
    {
        NamedType named => MapName(named.Name),
        TagType tag => MapTag(tag),
        PointerType pointer => MapPointer(pointer.Target),
        // A parameter of array type is a pointer.
        ArrayType array => MapPointer(array.Element),
        _ => throw new GeneratorException("a function by value"),
    };

    /// <summary>Follows typedefs down to what they stand for, as far as C# has no own name for it.</summary>
    public CType Resolve(CType type) => type is NamedType named && !Builtins.ContainsKey(named.Name)
        && !_library.External.ContainsKey(named.Name)
        && HandleOf(named.Name) is null && _declarations.Typedefs.TryGetValue(named.Name, out var target)
        ? Resolve(target)
        : type;

    private string MapName(string name)
    {
        if (_library.External.TryGetValue(name, out var external)) return external;
        if (Builtins.TryGetValue(name, out var builtin)) return builtin;
        if (HandleOf(name) is { } handle)
        {
            UsedHandles.Add(handle);
            return handle;
        }
        return _declarations.Typedefs.TryGetValue(name, out var target)
            ? Map(target)
            : throw new GeneratorException($"no C# type for '{name}'");
    }

    private string MapTag(TagType tag)
    {
        if (_library.External.TryGetValue(tag.Tag, out var external)) return external;
        var known = tag.Kind == "enum"
            ? _declarations.Enums.ContainsKey(tag.Tag)
            : _declarations.Records.TryGetValue(tag.Tag, out var record) && record.Problem is null;
        if (!known) throw new GeneratorException($"the layout of '{tag.Kind} {tag.Tag}' is not known");
        UsedTags.Add(tag.Tag);
        return NameOf(tag.Tag);
    }

    private string MapPointer(CType target)
    {
        var resolved = Resolve(target);
        switch (resolved)
        {
            case FunctionType function:
                if (function.Variadic) return "nint";
                var arguments = function.Parameters.Select(Map).Append(Map(function.Result));
                return $"delegate* unmanaged[Cdecl]<{string.Join(", ", arguments)}>";
            case TagType { Kind: not "enum" } tag when IsOpaque(tag) && !_library.External.ContainsKey(tag.Tag):
                if (!_handleOfTag.TryGetValue(tag.Tag, out var handle)) return "void*";
                UsedHandles.Add(handle);
                return handle;
            case TagType { Kind: not "enum" } tag when _declarations.Records[tag.Tag].Problem is not null:
                return "void*";
            case ArrayType array:
                // A pointer to an array is a pointer to its first element.
                return MapPointer(array.Element);
            default:
                return Map(target) + "*";
        }
    }

    private bool IsOpaque(TagType tag) => !_declarations.Records.ContainsKey(tag.Tag);
}
