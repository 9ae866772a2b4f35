using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using ConvNative.Bindings.OneDnn;

namespace ConvNative.Tests;

/// <summary>Compares the generated layouts, enums and constants with what a C++ compiler makes of the same headers.</summary>
[TestClass]
public sealed class LayoutTests
{
    [TestMethod]
    public void SizesOffsetsAndValuesAreTheCompilers()
    {
        var include = FindHeaders();
        var expected = new Dictionary<string, string>();
        var program = new StringBuilder("""
            #include <cstddef>
            #include <cstdio>
            #include <oneapi/dnnl/dnnl.h>
            #include <oneapi/dnnl/dnnl_debug.h>
            int main() {

            """);
        void Expect(string name, string expression, object value)
        {
            expected.Add(name, Convert.ToString(value, CultureInfo.InvariantCulture)!);
            program.Append(CultureInfo.InvariantCulture, $"    printf(\"{name} %lld\\n\", (long long)({expression}));\n");
        }

        var types = typeof(Dnnl).Assembly.GetTypes()
            .Where(type => type.IsPublic && type.Namespace == typeof(Dnnl).Namespace && type.Name.StartsWith("dnnl_", StringComparison.Ordinal))
            .ToArray();
        foreach (var type in types)
        {
            Expect($"sizeof({type.Name})", $"sizeof({type.Name})", SizeOf(type));
            if (type.IsEnum)
                foreach (var name in Enum.GetNames(type))
                    Expect(name, name, Convert.ToInt64(Enum.Parse(type, name), CultureInfo.InvariantCulture));
            else
                foreach (var field in type.GetFields(BindingFlags.Public | BindingFlags.Instance))
                {
                    Expect($"{type.Name}.{field.Name}", $"offsetof({type.Name}, {field.Name})", (long)Marshal.OffsetOf(type, field.Name));
                    Expect($"sizeof({type.Name}.{field.Name})", $"sizeof((({type.Name} *)0)->{field.Name})",
                        field.FieldType.IsPointer ? nint.Size : SizeOf(field.FieldType));
                }
        }
        foreach (var constant in typeof(Dnnl).GetFields(BindingFlags.Public | BindingFlags.Static).Where(field => field.IsLiteral))
            if (constant.GetRawConstantValue() is { } value and not string)
                Expect(constant.Name, constant.Name, value is ulong wide ? unchecked((long)wide) : value);
        Assert.IsGreaterThan(900, expected.Count);

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.File("layout.cpp"), program.Append("}\n").ToString());
        Compiler.Run("-w", "-I", include, folder.File("layout.cpp"), "-o", folder.File("layout"));
        var actual = Compiler.Start(folder.File("layout")).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1]);
        foreach (var (name, value) in expected) Assert.AreEqual(actual[name], value, name);
    }

    private static string FindHeaders()
    {
        var cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } folder
            ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        var include = Path.Combine(cache, "convnative", "onednn", "current", "include");
        var version = Path.Combine(include, "oneapi", "dnnl", "dnnl_version.h");
        if (!File.Exists(version)) Engines.Skip("onednn-headers", $"oneDNN's headers are not in {include}");
        if (!File.ReadAllText(version).Contains($"DNNL_VERSION_MINOR {Dnnl.DNNL_VERSION_MINOR}", StringComparison.Ordinal))
            Assert.Inconclusive($"the headers in {include} are of another version than the bindings");
        return include;
    }

    private static int SizeOf(Type type) => (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
