using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace ConvNative.Tests;

/// <summary>The direction of dependencies, read from the metadata of the assemblies as they were built.</summary>
[TestClass]
public sealed class DependencyTests
{
    private static readonly string[] s_ours = ["ConvNative", "ConvNative.Bindings", "ConvNative.Oracle", "ConvNative.Cli"];

    [TestMethod]
    [DataRow("ConvNative.Bindings", "")]
    [DataRow("ConvNative", "ConvNative.Bindings")]
    [DataRow("ConvNative.Oracle", "ConvNative")]
    [DataRow("ConvNative.Cli", "ConvNative ConvNative.Oracle")]
    public void An_assembly_references_only_what_it_may(string assembly, string allowed)
    {
        using var image = Open(assembly);
        var reader = image.GetMetadataReader();
        var references = reader.AssemblyReferences
            .Select(handle => reader.GetString(reader.GetAssemblyReference(handle).Name))
            .Where(s_ours.Contains);
        var surplus = references.Except(allowed.Split(' ')).ToArray();
        Assert.IsEmpty(surplus, $"{assembly} references {string.Join(", ", surplus)}");
    }

    [TestMethod]
    public void The_oracle_sees_problems_and_nothing_else_of_the_api()
    {
        var foreign = TypesReferenced("ConvNative.Oracle", "ConvNative")
            .Where(name => !name.StartsWith("ConvNative.Problems.", StringComparison.Ordinal)).ToArray();
        Assert.IsEmpty(foreign, $"ConvNative.Oracle uses {string.Join(", ", foreign)}");
    }

    [TestMethod]
    public void The_reader_of_references_finds_some()
    {
        // Guards the test above: an empty list would pass it.
        Assert.IsNotEmpty(TypesReferenced("ConvNative.Tests", "ConvNative"));
    }

    private static PEReader Open(string assembly) =>
        new(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly + ".dll")));

    private static List<string> TypesReferenced(string from, string to)
    {
        using var image = Open(from);
        var reader = image.GetMetadataReader();
        var names = new List<string>();
        foreach (var handle in reader.TypeReferences)
        {
            var type = reader.GetTypeReference(handle);
            var name = reader.GetString(type.Name);
            var scope = type.ResolutionScope;
            // A nested type's scope is the type around it, and only the outermost one names a namespace.
            while (scope.Kind == HandleKind.TypeReference)
            {
                type = reader.GetTypeReference((TypeReferenceHandle)scope);
                name = $"{reader.GetString(type.Name)}.{name}";
                scope = type.ResolutionScope;
            }
            if (scope.Kind != HandleKind.AssemblyReference) continue;
            var owner = reader.GetAssemblyReference((AssemblyReferenceHandle)scope);
            if (reader.GetString(owner.Name) == to) names.Add($"{reader.GetString(type.Namespace)}.{name}");
        }
        return names;
    }
}
