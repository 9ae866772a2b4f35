using System.Globalization;
using System.Numerics;
using System.Text;

namespace ConvNative.Bindings.Generator;

/// <summary>Writes the four files of a library. C names stay as they are.</summary>
internal sealed class CSharpWriter
{
    private static readonly HashSet<string> Keywords =
    [
        "params", "ref", "in", "out", "event", "object", "string", "base", "this", "new", "is", "as", "lock", "checked",
        "fixed", "internal", "operator", "override", "private", "protected", "public", "readonly", "sealed", "stackalloc",
        "throw", "try", "using", "virtual", "byte", "delegate", "namespace", "null", "true", "false", "typeof", "foreach",
    ];

    private readonly LibraryDescription _library;
    private readonly Declarations _declarations;
    private readonly IReadOnlyList<CConstant> _constants;
    private readonly TypeMap _types;
    private readonly string _header;

    public CSharpWriter(LibraryDescription library, Declarations declarations, IReadOnlyList<CConstant> constants, string header)
    {
        _library = library;
        _declarations = declarations;
        _constants = constants;
        _header = header;
        _types = new TypeMap(library, declarations);
    }

    /// <summary>What the filters took and C# could not express, with the reason.</summary>
    public List<string> Skipped { get; } = [];

    public Dictionary<string, string> Write()
    {
        var functions = WriteFunctions();
        // Structs may use further types, so they are written before the enums are chosen.
        var structs = WriteTypes();
        var files = new Dictionary<string, string>
        {
            [$"{_library.Class}.Functions.cs"] = functions,
            [$"{_library.Class}.Types.cs"] = structs,
            [$"{_library.Class}.Enums.cs"] = WriteEnums(),
            [$"{_library.Class}.Constants.cs"] = WriteConstants(),
        };
        if (_library.Handles.Length > 0)
            files[$"{_library.Class}.Handles.cs"] = new HandleWriter(_library, _declarations, _types).Write(Begin("ConvNative.Bindings.Handles"));
        return files;
    }

    private StringBuilder Begin(params string[] usings)
    {
        var text = new StringBuilder(_header).Append("#nullable enable\n\n");
        foreach (var name in usings) text.Append("using ").Append(name).Append(";\n");
        if (usings.Length > 0) text.Append('\n');
        return text.Append("namespace ").Append(_library.Namespace).Append(";\n\n");
    }

    private string WriteFunctions()
    {
        var text = Begin("System.Runtime.CompilerServices", "System.Runtime.InteropServices");
        text.Append($"public static unsafe partial class {_library.Class}\n{{\n");
        text.Append($"    public const string Library = \"{_library.Import}\";\n");
        var known = _declarations.Functions.Select(function => function.Name).ToHashSet();
        foreach (var name in _library.WithoutGcTransition.Where(name => !known.Contains(name)))
            throw new GeneratorException($"withoutGcTransition names '{name}', which the headers do not declare");

        var required = new List<string>();
        var shortCalls = new StringBuilder();
        foreach (var function in _declarations.Functions)
        {
            if (!_library.Functions.IsMatch(function.Name) || _library.Excluded.Contains(function.Name)) continue;
            try
            {
                if (function.Variadic) throw new GeneratorException("it takes a variable number of arguments");
                var result = _types.Map(function.Result);
                var parameters = string.Join(", ",
                    function.Parameters.Select(parameter => $"{_types.Map(parameter.Type)} {Identifier(parameter.Name)}"));
                const string Import = "[LibraryImport(Library), UnmanagedCallConv(CallConvs = [typeof(CallConvCdecl)])";
                if (_library.WithoutGcTransition.Contains(function.Name))
                {
                    // The JIT binds such an import when it compiles the caller, not when the call is made. Without a
                    // method of its own it would throw in code that only asks whether the library is there.
                    var names = string.Join(", ", function.Parameters.Select(parameter => Identifier(parameter.Name)));
                    text.Append($"\n    [MethodImpl(MethodImplOptions.NoInlining)]\n    public static {result} {function.Name}({parameters})"
                        + $" => Short.{function.Name}({names});\n");
                    shortCalls.Append($"\n        {Import}, SuppressGCTransition]\n"
                        + $"        public static partial {result} {function.Name}({parameters});\n");
                }
                else
                    text.Append($"\n    {Import}]\n    public static partial {result} {function.Name}({parameters});\n");
                if (_library.Required?.IsMatch(function.Name) == true) required.Add(function.Name);
            }
            catch (GeneratorException e)
            {
                Skipped.Add($"function {function.Name}: {e.Message}");
            }
        }
        text.Append("\n    public static string[] RequiredSymbols() =>\n    [\n");
        foreach (var name in required) text.Append($"        \"{name}\",\n");
        text.Append("    ];\n");
        if (shortCalls.Length > 0)
            text.Append($"\n    private static partial class Short\n    {{{shortCalls}    }}\n");
        return text.Append("}\n").ToString();
    }

    private string WriteTypes()
    {
        foreach (var name in _declarations.TypedefOrder)
            if (_library.Types.IsMatch(name) && !_library.Excluded.Contains(name) && _types.HandleOf(name) is { } handle)
                _types.UsedHandles.Add(handle);
        foreach (var tag in _declarations.Records.Keys)
            if (!_library.Excluded.Contains(tag) && !_library.Excluded.Contains(_types.NameOf(tag))
                && (_library.Types.IsMatch(_types.NameOf(tag)) || _library.Types.IsMatch(tag)))
                _types.UsedTags.Add(tag);

        var bodies = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var done = new HashSet<string>();
        while (_types.UsedTags.FirstOrDefault(tag => !done.Contains(tag) && _declarations.Records.ContainsKey(tag)) is { } next)
        {
            done.Add(next);
            var body = new StringBuilder();
            try
            {
                WriteRecord(body, _declarations.Records[next]);
                bodies[_types.NameOf(next)] = body.ToString();
            }
            catch (GeneratorException e)
            {
                Skipped.Add($"struct {_types.NameOf(next)}: {e.Message}");
            }
        }
        foreach (var handle in _types.UsedHandles)
            bodies[handle] = $"public readonly record struct {handle}(nint Value)\n{{\n"
                + "    public bool IsNull => Value == 0;\n}\n";

        var text = Begin("System.Runtime.CompilerServices", "System.Runtime.InteropServices");
        return text.AppendJoin('\n', bodies.Values).ToString();
    }

    private void WriteRecord(StringBuilder text, CRecord record)
    {
        if (record.Problem is not null) throw new GeneratorException(record.Problem);
        var name = _types.NameOf(record.Tag);
        var arrays = new StringBuilder();
        var union = record.Kind == "union";
        text.Append(union ? "[StructLayout(LayoutKind.Explicit)]\n" : "[StructLayout(LayoutKind.Sequential)]\n");
        text.Append($"public unsafe partial struct {name}\n{{\n");
        foreach (var field in record.Fields)
        {
            if (union) text.Append("    [FieldOffset(0)]\n");
            var resolved = _types.Resolve(field.Type);
            if (resolved is not ArrayType array)
            {
                text.Append($"    public {_types.Map(field.Type)} {Identifier(field.Name)};\n");
                continue;
            }
            var length = array.Length;
            CType element = _types.Resolve(array.Element);
            for (; element is ArrayType inner; element = _types.Resolve(inner.Element)) length *= inner.Length;
            var type = _types.Map(element is TagType ? element : array.Element is ArrayType ? element : array.Element);
            if (TypeMap.CanBeFixed(type))
            {
                text.Append($"    public fixed {type} {Identifier(field.Name)}[{length}];\n");
                continue;
            }
            if (type.Contains('*')) type = "nint";
            var buffer = $"{name}_{field.Name}_array";
            text.Append($"    public {buffer} {Identifier(field.Name)};\n");
            arrays.Append($"\n[InlineArray({length})]\npublic struct {buffer}\n{{\n    private {type} _element;\n}}\n");
        }
        text.Append("}\n").Append(arrays);
    }

    private string WriteEnums()
    {
        var text = Begin();
        var chosen = _declarations.Enums.Values
            .Where(item => _types.UsedTags.Contains(item.Tag) || _library.Types.IsMatch(_types.NameOf(item.Tag)))
            .Where(item => !_library.Excluded.Contains(_types.NameOf(item.Tag)));
        var separator = "";
        foreach (var item in chosen)
        {
            var name = _types.NameOf(item.Tag);
            text.Append(separator);
            separator = "\n";
            if (_library.Flags.Contains(name)) text.Append("[System.Flags]\n");
            text.Append($"public enum {name} : {Underlying(item.Members)}\n{{\n");
            foreach (var member in item.Members)
                text.Append(CultureInfo.InvariantCulture, $"    {member.Name} = {member.Value},\n");
            text.Append("}\n");
        }
        return text.ToString();
    }

    private static string Underlying(IReadOnlyList<CEnumerator> members)
    {
        var low = members.Min(member => member.Value);
        var high = members.Max(member => member.Value);
        if (low >= int.MinValue && high <= int.MaxValue) return "int";
        if (low >= 0 && high <= uint.MaxValue) return "uint";
        return low >= long.MinValue && high <= long.MaxValue ? "long" : "ulong";
    }

    private string WriteConstants()
    {
        var text = Begin("System");
        text.Append($"public static unsafe partial class {_library.Class}\n{{\n");
        foreach (var constant in _constants)
        {
            if (constant.Value is not { } value)
                text.Append(constant.Type is PointerType
                    ? $"    public static ReadOnlySpan<byte> {constant.Name} => {constant.Literal}u8;\n"
                    : $"    public const {_types.Map(constant.Type)} {constant.Name} = {constant.Literal}{(_types.Map(constant.Type) == "float" ? "f" : "")};\n");
            else
                text.Append(CultureInfo.InvariantCulture, $"    public const {ConstantType(constant.Type, value)} {constant.Name} = {value};\n");
        }
        foreach (var item in _declarations.AnonymousEnums.Where(item => item.Members.Any(member => _library.Macros.IsMatch(member.Name))))
            foreach (var member in item.Members)
                text.Append(CultureInfo.InvariantCulture, $"    public const {Underlying(item.Members)} {member.Name} = {member.Value};\n");
        return text.Append("}\n").ToString();
    }

    private static string ConstantType(CType type, BigInteger value)
    {
        if (type is PointerType) return "nint";
        var unsigned = type is NamedType { Name: var name } && name.StartsWith("unsigned", StringComparison.Ordinal);
        var wide = type is NamedType { Name: "long" or "long long" or "unsigned long" or "unsigned long long" }
            || value < int.MinValue || value > (unsigned ? uint.MaxValue : int.MaxValue);
        return (unsigned, wide) switch
        {
            (true, true) => "ulong",
            (true, false) => "uint",
            (false, true) => "long",
            _ => "int",
        };
    }

    private static string Identifier(string name) => Keywords.Contains(name) ? "@" + name : name;
}
