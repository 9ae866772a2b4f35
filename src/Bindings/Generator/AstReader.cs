using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace ConvNative.Bindings.Generator;

/// <summary>Reads declarations from clang's JSON AST. Only fields that clang 11 and later agree on are used.</summary>
internal sealed partial class AstReader
{
    private readonly Declarations _result = new();

    // Anonymous struct, union and enum declarations, by clang's id, until a typedef or a field names them.
    private readonly Dictionary<string, string> _tagOfId = [];
    private readonly Dictionary<string, CEnum> _anonymousEnums = [];
    private int _anonymous;

    public static Declarations Read(JsonElement unit)
    {
        var reader = new AstReader();
        foreach (var node in Children(unit))
            reader.ReadTopLevel(node);
        reader._result.AnonymousEnums.AddRange(reader._anonymousEnums.Values);
        return reader._result;
    }

    private void ReadTopLevel(JsonElement node)
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
                ReadRecord(node, Name(node) ?? "");
                break;
            case "FunctionDecl":
                ReadFunction(node);
                break;
            case "LinkageSpecDecl":
                foreach (var child in Children(node)) ReadTopLevel(child);
                break;
        }
    }

    private void ReadTypedef(JsonElement node)
    {
        var name = Name(node)!;
        CType type;
        if (OwnedTagId(node) is { } id && _tagOfId.TryGetValue(id, out var tag) && tag.StartsWith('?'))
        {
            // typedef struct { ... } name: the typedef's name becomes the tag.
            if (_anonymousEnums.Remove(tag, out var members))
                _result.Enums[name] = members with { Tag = name };
            if (_result.Records.Remove(tag, out var record))
                _result.Records[name] = record with { Tag = name };
            _tagOfId[id] = name;
            type = new TagType(members is null ? record!.Kind : "enum", name);
        }
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
        tag = "?" + _anonymous++;
        _tagOfId[Id(node)] = tag;
        _anonymousEnums[tag] = new CEnum(tag, members);
    }

    private void ReadRecord(JsonElement node, string tag)
    {
        if (!node.TryGetProperty("completeDefinition", out _)) return;
        if (tag.Length == 0)
        {
            tag = "?" + _anonymous++;
            _tagOfId[Id(node)] = tag;
        }
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

    private string? OwnedTagId(JsonElement node)
    {
        foreach (var child in Children(node))
        {
            foreach (var property in new[] { "ownedTagDecl", "decl" })
                if (child.TryGetProperty(property, out var tag) && tag.TryGetProperty("id", out var id)
                    && _tagOfId.ContainsKey(id.GetString()!))
                    return id.GetString();
            if (OwnedTagId(child) is { } found) return found;
        }
        return null;
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
