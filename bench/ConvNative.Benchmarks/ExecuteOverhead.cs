using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using ConvNative.Bindings.Loading;
using ConvNative.Bindings.OneDnn;
using ConvNative.Plans;
using ConvNative.Problems;
using static ConvNative.Bindings.OneDnn.Dnnl;

namespace ConvNative.Benchmarks;

/// <summary>
/// What a plan's run costs beyond oneDNN itself, on the problem whose work is next to nothing: 1x1x8x8, 3x3, bias.
/// The raw side is what a C program does: two handles set and the primitive executed through function pointers without any
/// transition, format any, one thread.
/// </summary>
[MemoryDiagnoser]
public unsafe class ExecuteOverhead
{
    private readonly float[] _x = GC.AllocateArray<float>(64, pinned: true);
    private readonly float[] _y = GC.AllocateArray<float>(64, pinned: true);
    private readonly float[] _w = new float[9];
    private readonly float[] _b = [0.5f];
    private ConvPlan _ranked = null!;
    private ConvPlan _measured = null!;
    private delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint, int, void*, int> _execute;
    private delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, void*, int> _setHandle;
    private nint _primitive, _stream, _source, _destination;
    private dnnl_exec_arg_t* _args;

    [GlobalSetup]
    public void Setup()
    {
        if (!OneDnnLibrary.IsAvailable) throw new InvalidOperationException(OneDnnLibrary.Load().ToString());
        var random = new Random(1);
        foreach (float[] a in new[] { _x, _w })
            for (int i = 0; i < a.Length; i++) a[i] = random.NextSingle() - 0.5f;
        ConvProblem p = Conv.Problem(ConvOp.Correlation, [1, 1, 8, 8], [1, 1, 3, 3], bias: true, new ConvOptions { Padding = 1 });
        _ranked = ConvPlan.Create(p, PlanOptions.Default, "onednn");
        _measured = ConvPlan.Create(p, new PlanOptions { Tuning = Tuning.Measure }, "onednn");
        _ranked.SetWeights(_w, _b);
        _measured.SetWeights(_w, _b);
        Console.WriteLine($"// ranked {_ranked.Implementation} {string.Join("; ", _ranked.Notes)}");
        Console.WriteLine($"// measured {_measured.Implementation} {string.Join("; ", _measured.Notes)}");
        SetupRaw();
    }

    [Benchmark(Baseline = true, Description = "dnnl_primitive_execute, handles set (as C)")]
    public void Raw()
    {
        fixed (float* x = _x, y = _y)
        {
            _setHandle(_source, x);
            _setHandle(_destination, y);
            _execute(_primitive, _stream, 4, _args);
        }
    }

    [Benchmark(Description = "ConvPlan.Run, ranked")]
    public void Ranked() => _ranked.Run(_x, _y);

    [Benchmark(Description = "ConvPlan.Run, measured")]
    public void Measured() => _measured.Run(_x, _y);

    private void SetupRaw()
    {
        OpenMp.SetNumThreads(1);
        dnnl_engine_t engine;
        dnnl_engine_create(&engine, dnnl_engine_kind_t.dnnl_cpu, 0).ThrowIfFailed("engine");
        dnnl_stream_t stream;
        dnnl_stream_create(&stream, engine, 1).ThrowIfFailed("stream");
        long* image = stackalloc long[] { 1, 1, 8, 8 }, kernel = stackalloc long[] { 1, 1, 3, 3 }, one = stackalloc long[] { 1, 1 }, zero = stackalloc long[] { 0, 0 };
        dnnl_memory_desc_t a, w, b;
        dnnl_memory_desc_create_with_tag(&a, 4, image, dnnl_data_type_t.dnnl_f32, dnnl_format_tag_t.dnnl_format_tag_any).ThrowIfFailed("a");
        dnnl_memory_desc_create_with_tag(&w, 4, kernel, dnnl_data_type_t.dnnl_f32, dnnl_format_tag_t.dnnl_format_tag_any).ThrowIfFailed("w");
        dnnl_memory_desc_create_with_tag(&b, 1, one, dnnl_data_type_t.dnnl_f32, dnnl_format_tag_t.dnnl_a).ThrowIfFailed("b");
        dnnl_primitive_desc_t pd;
        dnnl_convolution_forward_primitive_desc_create(&pd, engine, dnnl_prop_kind_t.dnnl_forward_inference, dnnl_alg_kind_t.dnnl_convolution_direct, a, w, b, a, one, zero, one, one, default).ThrowIfFailed("pd");
        dnnl_primitive_t primitive;
        dnnl_primitive_create(&primitive, pd).ThrowIfFailed("primitive");
        _args = (dnnl_exec_arg_t*)NativeMemory.Alloc(4, (nuint)sizeof(dnnl_exec_arg_t));
        _args[0] = new dnnl_exec_arg_t { arg = DNNL_ARG_SRC, memory = Allocate(engine, dnnl_primitive_desc_query_md(pd, dnnl_query_t.dnnl_query_src_md, 0)) };
        _args[1] = new dnnl_exec_arg_t { arg = DNNL_ARG_WEIGHTS, memory = Allocate(engine, dnnl_primitive_desc_query_md(pd, dnnl_query_t.dnnl_query_weights_md, 0)) };
        _args[2] = new dnnl_exec_arg_t { arg = DNNL_ARG_BIAS, memory = Allocate(engine, b) };
        _args[3] = new dnnl_exec_arg_t { arg = DNNL_ARG_DST, memory = Allocate(engine, dnnl_primitive_desc_query_md(pd, dnnl_query_t.dnnl_query_dst_md, 0)) };
        (_primitive, _stream, _source, _destination) = (primitive.Value, stream.Value, _args[0].memory.Value, _args[3].memory.Value);
        nint library = NativeLibrary.Load(OneDnnLibrary.Load().LoadedPath!);
        _execute = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, nint, int, void*, int>)NativeLibrary.GetExport(library, nameof(dnnl_primitive_execute));
        _setHandle = (delegate* unmanaged[Cdecl, SuppressGCTransition]<nint, void*, int>)NativeLibrary.GetExport(library, nameof(dnnl_memory_set_data_handle));
    }

    private static dnnl_memory_t Allocate(dnnl_engine_t engine, dnnl_memory_desc_t md)
    {
        dnnl_memory_t m;
        nuint bytes = dnnl_memory_desc_get_size(md);
        void* data = NativeMemory.AlignedAlloc(bytes, 64);
        new Span<float>(data, (int)bytes / 4).Fill(0.25f);
        dnnl_memory_create(&m, md, engine, data).ThrowIfFailed("memory");
        return m;
    }
}
