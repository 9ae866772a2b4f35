using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ConvNative.Bindings.Generator;
using ConvNative.Bindings.OneDnn;

namespace ConvNative.Tests;

[TestClass]
public sealed class GeneratorTests
{
    private static string Root([CallerFilePath] string file = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "src", "Bindings"));

    private static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        return (CommandLine.Run(arguments, output, error), output.ToString(), error.ToString());
    }

    [TestMethod]
    public void RegenerationChangesNothing()
    {
        if (!Directory.Exists(Path.Combine(Root(), "Generator"))) Assert.Inconclusive("the sources are not where this was compiled");
        var (code, output, error) = Run("--check", "--library", "onednn", "--root", Root());
        if (code == 3) Engines.Skip("clang", error);
        // A machine may have headers of another version; those say nothing about the committed files.
        if (output.Contains("+ // Library: oneDNN, headers of version", StringComparison.Ordinal)) Assert.Inconclusive(output);
        Assert.AreEqual(0, code, output + error);
        Assert.AreEqual("", error);
    }

    [TestMethod]
    [DataRow("cudnn")]
    [DataRow("cudart")]
    [DataRow("cudadriver")]
    [DataRow("nvrtc")]
    [DataRow("cublas")]
    public void RegenerationFromOurOwnHeadersChangesNothing(string library)
    {
        if (!Directory.Exists(Path.Combine(Root(), "Generator"))) Assert.Inconclusive("the sources are not where this was compiled");
        var (code, output, error) = Run("--check", "--library", library, "--root", Root());
        if (code == 3) Engines.Skip("clang", error);
        Assert.AreEqual(0, code, output + error);
        Assert.AreEqual("", error);
    }

    [TestMethod]
    public void EveryImportResolvesInTheLoadedLibrary()
    {
        OneDnnTests.Need();
        var loaded = OneDnnLibrary.Load().Version!;
        if (loaded < new Version(Dnnl.DNNL_VERSION_MAJOR, Dnnl.DNNL_VERSION_MINOR))
            Assert.Inconclusive($"the headers are of {Dnnl.DNNL_VERSION_MAJOR}.{Dnnl.DNNL_VERSION_MINOR}, the library is {loaded}");
        const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var imports = typeof(Dnnl).GetNestedTypes(All).Append(typeof(Dnnl)).SelectMany(type => type.GetMethods(All))
            .Where(method => method.GetMethodBody() is null).ToArray();
        var names = typeof(Dnnl).GetMethods(BindingFlags.Public | BindingFlags.Static).Select(method => method.Name)
            .Where(name => name.StartsWith("dnnl_", StringComparison.Ordinal)).ToArray();
        CollectionAssert.AreEquivalent(names, imports.Select(import => import.Name).ToArray());
        Assert.IsGreaterThan(150, imports.Length);
        foreach (var import in imports)
        {
            // Bound while the caller is compiled, they would throw in code that only asks whether the library is there.
            if (import.IsDefined(typeof(SuppressGCTransitionAttribute))) Assert.IsTrue(import.DeclaringType!.IsNestedPrivate, import.Name);
            // Anything but a direct import would marshal, and so cost time.
            Assert.IsNotNull(import.GetCustomAttribute<DllImportAttribute>(), import.Name);
            Marshal.Prelink(import);
        }
    }

    [TestMethod]
    public void RequiredSymbolsCoverTheConvolutions()
    {
        var required = Dnnl.RequiredSymbols();
        CollectionAssert.AllItemsAreUnique(required);
        foreach (var symbol in new[]
        {
            "dnnl_version", "dnnl_convolution_forward_primitive_desc_create", "dnnl_deconvolution_backward_weights_primitive_desc_create",
            "dnnl_primitive_execute", "dnnl_memory_set_data_handle", "dnnl_post_ops_append_eltwise",
        })
            CollectionAssert.Contains(required, symbol);
    }

    [TestMethod]
    public void BadUsageIsRefused()
    {
        Assert.AreEqual(2, Run("--nonsense").Code);
        var (code, _, error) = Run("--library", "nonsense", "--root", Root());
        Assert.AreEqual(2, code);
        StringAssert.Contains(error, "no library 'nonsense'");
        (code, _, error) = Run("--library", "onednn", "--root", Root(), "--headers", Path.GetTempPath());
        Assert.AreNotEqual(0, code);
        Assert.AreNotEqual("", error);
    }

    [TestMethod]
    public void TypesAreReadAsClangPrintsThem()
    {
        Assert.AreEqual(new PointerType(new PointerType(new NamedType("char"))), CTypeParser.Parse("const char *const *"));
        Assert.AreEqual(new NamedType("unsigned long long"), CTypeParser.Parse("unsigned long long"));
        Assert.AreEqual(new ArrayType(new ArrayType(new NamedType("int"), 3), 2), CTypeParser.Parse("int[2][3]"));
        Assert.AreEqual(new PointerType(new ArrayType(new NamedType("int"), 3)), CTypeParser.Parse("const int (*)[3]"));
        Assert.AreEqual(new PointerType(new TagType("struct", "s")), CTypeParser.Parse("const struct s *"));
        var callback = (FunctionType)((PointerType)CTypeParser.Parse("void (*)(cl_program, void *)")).Target;
        CollectionAssert.AreEqual(
            new CType[] { new NamedType("cl_program"), new PointerType(new NamedType("void")) }, callback.Parameters.ToArray());
        var variadic = (FunctionType)CTypeParser.Parse("int (const char *, ...)");
        Assert.IsTrue(variadic.Variadic);
        Assert.IsEmpty(((FunctionType)CTypeParser.Parse("int (void)")).Parameters);
        foreach (var bad in new[] { "", "*", "int[", "int (", "float __attribute__((ext_vector_type(4)))" })
            Assert.ThrowsExactly<GeneratorException>(() => CTypeParser.Parse(bad), bad);
    }

    [TestMethod]
    public void WhatOtherHeadersHoldIsWrittenToo()
    {
        using var folder = new TemporaryFolder();
        var libraries = Directory.CreateDirectory(folder.File("Generator", "Libraries")).FullName;
        File.WriteAllText(Path.Combine(libraries, "odd.json"), Description);
        File.WriteAllText(folder.File("odd.h"), Header);
        var (code, output, error) = Run("--root", folder.Path, "--headers", folder.Path);
        if (code == 3 && error.Contains("clang was not found", StringComparison.Ordinal)) Engines.Skip("clang", error);
        Assert.AreEqual(0, code, output + error);
        StringAssert.Contains(output, "Odd 3.11");

        string Read(string part) => File.ReadAllText(folder.File("Generated", "Odd", $"Odd.{part}.cs"));
        var functions = Read("Functions");
        StringAssert.Contains(functions, "odd_context odd_create(nint* properties, "
            + "delegate* unmanaged[Cdecl]<byte*, void*, nuint, void> notify, byte** names, int* @out);");
        StringAssert.Contains(functions, "CULong odd_wide(CLong @in, byte @ref, byte* @params, int* matrix);");
        StringAssert.Contains(functions, "void odd_opaque(void* bits, odd_desc* desc, odd_context raw, void* file, odd_any any);");
        StringAssert.Contains(error, "skipped function odd_print: it takes a variable number of arguments");
        StringAssert.Contains(error, "skipped struct odd_bits: it has bit fields");

        var types = Read("Types");
        StringAssert.Contains(types, "public readonly record struct odd_context(nint Value)");
        StringAssert.Contains(types, "public readonly record struct odd_any(nint Value)");
        StringAssert.Contains(types, "public fixed int grid[6];");
        StringAssert.Contains(types, "[InlineArray(4)]");
        Assert.AreEqual(2, types.Split("LayoutKind.Explicit").Length - 1);

        var enums = Read("Enums");
        StringAssert.Contains(enums, "ODD_NEGATIVE = -5,\n    ODD_HEX = 16,\n    ODD_NEXT = 17,");
        StringAssert.Contains(enums, "public enum odd_high : uint\n{\n    ODD_HIGH = 4294967295,");

        var constants = Read("Constants");
        foreach (var constant in new[]
        {
            "const int ODD_ERROR = -2;", "const ulong ODD_HUGE = 18446744073709551615;", "const double ODD_THREE = 3.5;",
            "const float ODD_QUARTER = 0.25f;", "ReadOnlySpan<byte> ODD_NAME => \"odd\"u8;", "const int ODD_ANONYMOUS = 7;",
            "const int ODD_ALIAS = 16;", "const ulong ODD_CAST = 18446744073709551615;", "const nint ODD_POINTER = -1;",
        })
            StringAssert.Contains(constants, constant);
        foreach (var none in new[] { "ODD_TYPE", "ODD_EMPTY", "ODD_FUNCTION", "ODD_OPEN", "ODD_API" })
            Assert.DoesNotContain(none, constants);

        Assert.AreEqual(0, Run("--check", "--root", folder.Path, "--headers", folder.Path).Code);
        File.WriteAllText(folder.File("odd.h"), Header.Replace("ODD_HEX = 0x10", "ODD_HEX = 0x12", StringComparison.Ordinal));
        (code, output, _) = Run("--check", "--root", folder.Path, "--headers", folder.Path);
        Assert.AreEqual(1, code);
        StringAssert.Contains(output, "-     ODD_NEXT = 17,");
        StringAssert.Contains(output, "+     ODD_NEXT = 19,");
    }

    private const string Description = """
        { "name": "Odd", "import": "odd", "namespace": "Odd", "class": "Odd", "output": "Odd", "includes": ["odd.h"],
          "hashed": ["odd.h"], "version": ["ODD_MAJOR", "11"], "functions": "^odd_", "types": "^odd_", "macros": "^ODD_" }
        """;

    private const string Header = """
        #include <stddef.h>
        #include <stdint.h>
        #include <stdio.h>
        #define ODD_MAJOR 3
        typedef struct _odd_context *odd_context;
        typedef void *odd_any;
        typedef intptr_t odd_property;
        typedef struct _odd_format { uint32_t order, type; } odd_format;
        typedef struct {
            size_t width;
            union { odd_context buffer; odd_any memory; };
            odd_context list[4];
            int grid[2][3];
            void (*notify)(odd_context, void *);
            odd_format formats[2];
        } odd_desc;
        typedef union { float f; uint32_t u; unsigned char bytes[5]; } odd_value;
        typedef struct { unsigned a : 3; } odd_bits;
        typedef enum { ODD_NEGATIVE = -5, ODD_HEX = 0x10, ODD_NEXT } odd_sign;
        typedef enum odd_high { ODD_HIGH = 0xFFFFFFFFu } odd_high;
        enum { ODD_ANONYMOUS = 7 };
        #define ODD_ERROR (-2)
        #define ODD_HUGE 0xFFFFFFFFFFFFFFFFULL
        #define ODD_THREE 3.5
        #define ODD_QUARTER 0.25f
        #define ODD_NAME "odd"
        #define ODD_API __attribute__((visibility("default")))
        #define ODD_TYPE int
        #define ODD_EMPTY
        #define ODD_FUNCTION(x) (x)
        #define ODD_ALIAS ODD_HEX
        #define ODD_OPEN (
        #define ODD_CAST ((size_t)-1)
        #define ODD_POINTER ((void *)(size_t)-1)
        odd_context odd_create(const odd_property *properties, void (*notify)(const char *, const void *, size_t),
            const char *const *names, int32_t *out);
        unsigned long odd_wide(long in, _Bool ref, unsigned char params[4], const int matrix[2][3]);
        void odd_opaque(odd_bits *bits, const odd_desc *desc, struct _odd_context *raw, FILE *file, odd_any any);
        int odd_print(const char *format, ...);
        """;
}
