using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;

namespace ConvNative.Bindings.Generator;

/// <summary>Finds the values of object-like macros by letting clang evaluate them.</summary>
internal static partial class MacroReader
{
    public static Dictionary<string, string> Bodies(string[] lines)
    {
        var bodies = new Dictionary<string, string>();
        foreach (var line in lines)
            if (Definition().Match(line) is { Success: true } match)
                bodies[match.Groups[1].Value] = match.Groups[2].Value.Trim();
        return bodies;
    }

    /// <summary>The constants among <paramref name="bodies"/>, sorted by name; what is no constant is left out.</summary>
    public static List<CConstant> Evaluate(Clang clang, string umbrella, IReadOnlyDictionary<string, string> bodies)
    {
        var constants = new List<CConstant>();
        var candidates = new List<string>();
        foreach (var (name, body) in bodies)
        {
            if (StringLiteral().IsMatch(body))
                constants.Add(new CConstant(name, new PointerType(new NamedType("char")), null, body));
            else if (FloatLiteral().Match(body) is { Success: true } match)
                constants.Add(new CConstant(name, new NamedType(body.EndsWith('f') || body.EndsWith('F') ? "float" : "double"),
                    null, match.Groups[1].Value));
            else if (IsExpression(body))
                candidates.Add(name);
        }
        candidates.Sort(StringComparer.Ordinal);

        // First the types, so that the second pass casts each value without losing its sign.
        var types = new Dictionary<string, CType>();
        using (var ast = clang.ParseAst(Unit(candidates, name => $"static __typeof__({name}) convnative_{name};"), tolerant: true))
            foreach (var node in AstReader.Children(ast.RootElement))
                if (AstReader.Kind(node) == "VarDecl" && AstReader.Name(node) is { } name
                    && name.StartsWith("convnative_", StringComparison.Ordinal) && !node.TryGetProperty("isInvalid", out _)
                    && AstReader.TryParse(AstReader.DesugaredType(node), out var type) && type is not (FunctionType or ArrayType))
                    types[name["convnative_".Length..]] = type;

        using (var ast = clang.ParseAst(
            Unit(types.Keys, name => $"enum {{ convnative_{name} = ({Cast(types[name])})({name}) }};"), tolerant: true))
            foreach (var node in AstReader.Children(ast.RootElement).SelectMany(AstReader.Children))
                if (AstReader.Kind(node) == "EnumConstantDecl" && AstReader.Name(node) is { } name
                    && name.StartsWith("convnative_", StringComparison.Ordinal) && AstReader.ConstantOf(node) is { } value)
                    constants.Add(new CConstant(name["convnative_".Length..], types[name["convnative_".Length..]], value, null));

        return [.. constants.OrderBy(constant => constant.Name, StringComparer.Ordinal)];

        string Unit(IEnumerable<string> names, Func<string, string> line) =>
            new StringBuilder(umbrella).AppendJoin('\n', names.Select(line)).Append('\n').ToString();
    }

    private static string Cast(CType type) => type is PointerType ? "long long" : $"__typeof__(({Spell(type)})0)";

    private static string Spell(CType type) => type switch
    {
        NamedType named => named.Name,
        TagType tag => $"{tag.Kind} {tag.Tag}",
        _ => "long long",
    };

    private static bool IsExpression(string body)
    {
        if (body.Length == 0 || !ExpressionTokens().IsMatch(body)) return false;
        var depth = 0;
        foreach (var c in body)
        {
            if (c == '(') depth++;
            if (c == ')' && --depth < 0) return false;
        }
        return depth == 0 && !body.Contains("__attribute__", StringComparison.Ordinal)
            && !body.Contains("__declspec", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^#define (\w+)(?: (.*))?$")]
    private static partial Regex Definition();

    [GeneratedRegex("^\"[^\"\\\\]*\"$")]
    private static partial Regex StringLiteral();

    [GeneratedRegex(@"^\(?(-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?<=[.eE].*))[fF]?\)?$")]
    private static partial Regex FloatLiteral();

    [GeneratedRegex(@"^[\w\s()+\-*/%<>|&^~!.]+$")]
    private static partial Regex ExpressionTokens();
}
