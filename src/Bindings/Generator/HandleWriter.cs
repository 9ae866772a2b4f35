using System.Text;

namespace ConvNative.Bindings.Generator;

/// <summary>Writes one sealed SafeHandle per row of the library's table, and the status check.</summary>
internal sealed class HandleWriter(LibraryDescription library, Declarations declarations, TypeMap types)
{
    private string Success => $"{library.StatusType}.{library.Success}";

    public string Write(StringBuilder text)
    {
        if (library.StatusType is null || library.Success is null)
            throw new GeneratorException("a library with handles needs 'statusType' and 'success'");
        WriteStatus(text);
        foreach (var handle in library.Handles)
        {
            Check(handle);
            WriteHandle(text, handle);
        }
        return text.ToString();
    }

    private void Check(OwnedHandle handle)
    {
        var destroy = declarations.Functions.FirstOrDefault(function => function.Name == handle.Destroy)
            ?? throw new GeneratorException($"handle {handle.Name}: the headers do not declare '{handle.Destroy}'");
        if (destroy.Parameters is not [{ } parameter] || types.Map(parameter.Type) != handle.Type)
            throw new GeneratorException($"handle {handle.Name}: '{handle.Destroy}' does not take one '{handle.Type}'");
        if (handle.Parent is { } parent && library.Handles.All(other => other.Name != parent))
            throw new GeneratorException($"handle {handle.Name}: its parent '{parent}' is not in the table");
    }

    private void WriteStatus(StringBuilder text) =>
        text.Append($$"""
            public static class {{library.Class}}Status
            {
                public static void ThrowIfFailed(this {{library.StatusType}} status, string function)
                {
                    if (status != {{Success}})
                        NativeCallException.Throw("{{library.Name}}", function, status.ToString(), (long)status);
                }
            }

            """);

    private void WriteHandle(StringBuilder text, OwnedHandle handle)
    {
        text.Append($$"""

            public sealed unsafe class {{handle.Name}} : NativeHandle
            {
                private {{handle.Name}}({{handle.Type}} raw, NativeHandle? parent) : base(raw.Value, parent)
                {
                }

                public {{handle.Type}} Raw => new(RawValue);

            """);
        var (parameter, argument) = handle.Parent is { } parent ? ($", {parent} parent", "parent") : ("", "null");
        var check = handle.Parent is null ? "" : "        ArgumentNullException.ThrowIfNull(parent);\n";
        text.Append($$"""

                public static {{handle.Name}} Adopt({{handle.Type}} raw, string function{{parameter}})
                {
            {{check}}        if (raw.IsNull) NativeCallException.ThrowNull("{{library.Name}}", function);
                    try
                    {
                        return new {{handle.Name}}(raw, {{argument}});
                    }
                    catch
                    {
                        {{library.Class}}.{{handle.Destroy}}(raw);
                        throw;
                    }
                }

                protected override bool Destroy(nint value) => {{library.Class}}.{{handle.Destroy}}(new {{handle.Type}}(value)) == {{Success}};
            }

            """);
    }
}
