using System.Globalization;

namespace ConvNative.Bindings.Generator;

/// <summary>Reads a type as clang prints it (an abstract declarator): <c>const char *(*)(int, void **)</c>, <c>int[4]</c>.</summary>
internal sealed class CTypeParser
{
    private static readonly HashSet<string> Qualifiers =
        ["const", "volatile", "restrict", "__restrict", "_Nonnull", "_Nullable"];

    private static readonly HashSet<string> BuiltinWords =
        ["void", "char", "short", "int", "long", "float", "double", "signed", "unsigned", "_Bool", "bool", "__int128"];

    private readonly List<string> _tokens;
    private int _next;

    private CTypeParser(List<string> tokens) => _tokens = tokens;

    public static CType Parse(string text)
    {
        var parser = new CTypeParser(Tokenize(text));
        try
        {
            var type = parser.ReadType();
            if (parser._next != parser._tokens.Count)
                throw new GeneratorException($"'{parser._tokens[parser._next]}' was not expected");
            return type;
        }
        catch (GeneratorException e)
        {
            throw new GeneratorException($"type '{text}': {e.Message}");
        }
    }

    private static List<string> Tokenize(string text)
    {
        var tokens = new List<string>();
        for (var i = 0; i < text.Length;)
        {
            var c = text[i];
            if (char.IsWhiteSpace(c))
                i++;
            else if (char.IsAsciiLetterOrDigit(c) || c is '_' or '$')
            {
                var start = i;
                while (i < text.Length && (char.IsAsciiLetterOrDigit(text[i]) || text[i] is '_' or '$')) i++;
                tokens.Add(text[start..i]);
            }
            else if (text.AsSpan(i).StartsWith("..."))
            {
                tokens.Add("...");
                i += 3;
            }
            else
            {
                tokens.Add(c.ToString());
                i++;
            }
        }
        return tokens;
    }

    private string? Peek => _next < _tokens.Count ? _tokens[_next] : null;

    private bool Accept(string token)
    {
        if (Peek != token) return false;
        _next++;
        return true;
    }

    private void Expect(string token)
    {
        if (!Accept(token)) throw new GeneratorException($"expected '{token}', found '{Peek ?? "the end"}'");
    }

    private CType ReadType() => ReadDeclarator(ReadSpecifier());

    private CType ReadSpecifier()
    {
        var words = new List<string>();
        CType? named = null;
        for (; Peek is { } token; _next++)
        {
            if (Qualifiers.Contains(token)) continue;
            if (token is "struct" or "union" or "enum" && named is null && words.Count == 0)
            {
                _next++;
                named = new TagType(token, Peek ?? throw new GeneratorException("a tag without a name"));
            }
            else if (BuiltinWords.Contains(token) && named is null)
                words.Add(token);
            else if (words.Count == 0 && named is null && (char.IsAsciiLetter(token[0]) || token[0] == '_'))
                named = new NamedType(token);
            else
                break;
        }
        if (named is not null) return named;
        if (words.Count == 0) throw new GeneratorException("no type name");
        return new NamedType(Builtin(words));
    }

    private static string Builtin(List<string> words)
    {
        var unsigned = words.Contains("unsigned");
        var longs = words.Count(word => word == "long");
        if (words.Contains("double")) return longs == 0 ? "double" : "long double";
        foreach (var plain in new[] { "void", "float", "_Bool", "bool" })
            if (words.Contains(plain)) return plain;
        if (words.Contains("__int128")) return unsigned ? "unsigned __int128" : "__int128";
        var kind = words.Contains("char") ? (words.Contains("signed") ? "signed char" : "char")
            : words.Contains("short") ? "short"
            : longs == 1 ? "long"
            : longs == 2 ? "long long"
            : "int";
        return unsigned ? "unsigned " + kind : kind;
    }

    private CType ReadDeclarator(CType type)
    {
        while (Peek is { } token)
        {
            if (token == "*")
                type = new PointerType(type);
            else if (!Qualifiers.Contains(token))
                break;
            _next++;
        }

        // "(*" opens a nested declarator, every other "(" a parameter list.
        if (Peek == "(" && _next + 1 < _tokens.Count && _tokens[_next + 1] is "*" or "^")
        {
            _next++;
            var from = _next;
            SkipNested();
            Expect(")");
            type = ReadSuffixes(type);
            var after = _next;
            _next = from;
            type = ReadDeclarator(type);
            Expect(")");
            _next = after;
            return type;
        }
        return ReadSuffixes(type);
    }

    private void SkipNested()
    {
        for (var depth = 0; Peek is { } token; _next++)
        {
            if (token == "(") depth++;
            else if (token == ")" && depth-- == 0) return;
        }
    }

    private CType ReadSuffixes(CType type)
    {
        if (Accept("("))
        {
            var parameters = new List<CType>();
            var variadic = false;
            while (!Accept(")"))
            {
                if (Accept("...")) variadic = true;
                else parameters.Add(ReadType());
                if (Peek != ")") Expect(",");
            }
            if (parameters is [NamedType { Name: "void" }]) parameters.Clear();
            return new FunctionType(type, parameters, variadic);
        }
        if (!Accept("[")) return type;
        if (!int.TryParse(Peek, NumberStyles.None, CultureInfo.InvariantCulture, out var length))
            throw new GeneratorException("an array without a length");
        _next++;
        Expect("]");
        return new ArrayType(ReadSuffixes(type), length);
    }
}
