using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ConvNative.Bindings.Generator;

/// <summary>Reads declarations from clang's JSON AST. Only fields that clang 11 and later agree on are used.</summary>
internal sealed partial class AstReader
{
    private readonly Declarations _result = new();

    // By clang's id, until a typedef names them.
    private readonly Dictionary<string, CEnum> _anonymousEnums = [];

    // Records whose name is a typedef's or a field's, not a tag of their own.
    private readonly HashSet<string> _typedefTags = [];

    public static Declarations Read(JsonElement unit)
    {
        var reader = new AstReader();
        // A typedef of an unnamed struct follows it and gives it a name, also to what is nested in it.
        JsonElement? previous = null;
        foreach (var node in Children(unit))
        {
            if (previous is { } waiting) reader.ReadTopLevel(waiting, node);
            previous = node;
        }
        if (previous is { } last) reader.ReadTopLevel(last, last);
        reader._result.AnonymousEnums.AddRange(reader._anonymousEnums.Values);
        return reader._result;
    }

    private void ReadTopLevel(JsonElement node, JsonElement following)
    {
        switch (Kind(node))
        {
            case "TypedefDecl":
                ReadTypedef(node);
                break;
            case "EnumDecl":
                ReadEnum(node);
                break;
            case "RecordDecl":
                ReadRecord(node, Name(node) ?? (Kind(following) == "TypedefDecl" && Owns(following, Id(node)) ? Name(following)! : ""));
                break;
            case "FunctionDecl":
                ReadFunction(node);
                break;
        }
    }

    private void ReadTypedef(JsonElement node)
    {
        var name = Name(node)!;
        CType type;
        if (_anonymousEnums.Keys.FirstOrDefault(id => Owns(node, id)) is { } owned)
        {
            // typedef enum { ... } name: the typedef's name becomes the tag.
            _anonymousEnums.Remove(owned, out var members);
            _result.Enums[name] = members! with { Tag = name };
            type = new TagType("enum", name);
        }
        else if (_result.Records.TryGetValue(name, out var record) && _typedefTags.Contains(name))
            type = new TagType(record.Kind, name);
        else if (!TryParse(QualifiedType(node), out type))
            return;
        if (_result.Typedefs.TryAdd(name, type)) _result.TypedefOrder.Add(name);
    }

    private void ReadEnum(JsonElement node)
    {
        var members = new List<CEnumerator>();
        var next = BigInteger.Zero;
        foreach (var child in Children(node))
        {
            if (Kind(child) != "EnumConstantDecl") continue;
            var value = ConstantOf(child) ?? next;
            members.Add(new CEnumerator(Name(child)!, value));
            next = value + 1;
        }
        if (members.Count == 0) return;
        if (Name(node) is { } tag)
        {
            _result.Enums[tag] = new CEnum(tag, members);
            return;
        }
        _anonymousEnums[Id(node)] = new CEnum("", members);
    }

    private void ReadRecord(JsonElement node, string tag)
    {
        if (!node.TryGetProperty("completeDefinition", out _)) return;
        // Without a name nobody can use it.
        if (tag.Length == 0) return;
        if (Name(node) is null) _typedefTags.Add(tag);
        var fields = new List<CField>();
        string? problem = null;
        var nested = "";
        foreach (var child in Children(node))
        {
            switch (Kind(child))
            {
                case "RecordDecl":
                    nested = Name(child) ?? $"{tag}_inner{fields.Count}";
                    ReadRecord(child, nested);
                    break;
                case "EnumDecl":
                    ReadEnum(child);
                    break;
                case "FieldDecl":
                    if (child.TryGetProperty("isBitfield", out _)) problem = "it has bit fields";
                    var text = UnnamedTag().Replace(QualifiedType(child), match => $"{match.Groups[1].Value} {nested}");
                    if (TryParse(text, out var type))
                        fields.Add(new CField(Name(child) ?? $"inner{fields.Count}", type));
                    else
                        problem = $"type '{text}' cannot be expressed";
                    break;
            }
        }
        var kind = node.TryGetProperty("tagUsed", out var used) ? used.GetString()! : "struct";
        _result.Records[tag] = new CRecord(kind, tag, fields, problem);
    }

    private void ReadFunction(JsonElement node)
    {
        var name = Name(node)!;
        if (_result.Functions.Any(function => function.Name == name)) return;
        if (!TryParse(QualifiedType(node), out var type) || type is not FunctionType function) return;
        var parameters = new List<CParameter>();
        foreach (var child in Children(node))
        {
            if (Kind(child) != "ParmVarDecl") continue;
            if (!TryParse(QualifiedType(child), out var parameter)) return;
            parameters.Add(new CParameter(Name(child) ?? $"argument{parameters.Count}", parameter));
        }
        _result.Functions.Add(new CFunction(name, function.Result, parameters, function.Variadic));
    }

    /// <summary>The value that clang computed for an enumerator, if it has one.</summary>
    public static BigInteger? ConstantOf(JsonElement node)
    {
        if (Kind(node) == "ConstantExpr" && node.TryGetProperty("value", out var value)
            && BigInteger.TryParse(value.GetString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            return number;
        foreach (var child in Children(node))
            if (ConstantOf(child) is { } found) return found;
        return null;
    }

    public static bool TryParse(string text, out CType type)
    {
        // Compiler builtins and vector extensions have types that no C declaration of ours uses.
        try
        {
            type = CTypeParser.Parse(text);
            return true;
        }
        catch (GeneratorException)
        {
            type = new NamedType("?");
            return false;
        }
    }

    /// <summary>Whether a typedef's type is the tag declared with this id.</summary>
    private static bool Owns(JsonElement node, string id)
    {
        foreach (var child in Children(node))
        {
            foreach (var property in new[] { "ownedTagDecl", "decl" })
                if (child.TryGetProperty(property, out var tag) && tag.TryGetProperty("id", out var found) && found.GetString() == id)
                    return true;
            if (Owns(child, id)) return true;
        }
        return false;
    }

    public static IEnumerable<JsonElement> Children(JsonElement node) =>
        node.TryGetProperty("inner", out var inner)
            ? inner.EnumerateArray().Where(child => child.TryGetProperty("kind", out _))
            : [];

    public static string Kind(JsonElement node) => node.GetProperty("kind").GetString()!;

    public static string? Name(JsonElement node) =>
        node.TryGetProperty("name", out var name) && name.GetString() is { Length: > 0 } text ? text : null;

    public static string QualifiedType(JsonElement node) => node.GetProperty("type").GetProperty("qualType").GetString()!;

    public static string DesugaredType(JsonElement node) =>
        node.GetProperty("type").TryGetProperty("desugaredQualType", out var type) ? type.GetString()! : QualifiedType(node);

    private static string Id(JsonElement node) => node.GetProperty("id").GetString()!;

    // "struct outer::(anonymous at file:1:2)" (clang 14), "struct outer::(unnamed at ...)" (later).
    [GeneratedRegex(@"(struct|union|enum) [^(]*\((?:anonymous|unnamed)[^)]*\)")]
    private static partial Regex UnnamedTag();
}
