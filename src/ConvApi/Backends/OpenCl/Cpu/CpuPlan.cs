using System.Globalization;
using ConvNative.Backends.OpenCl.Device;
using ConvNative.Backends.OpenCl.Programs;
using ConvNative.Backends.OpenCl.Routines;
using ConvNative.Bindings.OpenCl;
using ConvNative.Problems;

namespace ConvNative.Backends.OpenCl.Cpu;

/// <summary>
/// What plans for processors share. Their kernels may multiply weights with the zeros of padding, which is only right for finite weights:
/// these are looked at when they are set, and others go to <see cref="DirectRoutine"/>, which leaves padding taps out.
/// </summary>
internal abstract unsafe class CpuPlan : ClPlan
{
    private const int Checkers = 64;

    private readonly bool _checks;
    private ClPlan? _exact;
    private bool _isExact;

    protected CpuPlan(ClRequest request, string name, bool multipliesPadding)
        : base(request, $"opencl:{name}")
    {
        Vectors = VectorsOf(request);
        _checks = multipliesPadding && (Problem.PaddingMode == PaddingMode.Zeros || !request.Geometry.IsDown);
    }

    public sealed override IReadOnlyList<string> Notes =>
        [.. Steps, .. _isExact ? ["weights are not finite: the plain kernel leaves padding taps out one by one"] : Array.Empty<string>()];

    protected CpuVectors Vectors { get; }

    protected abstract IEnumerable<string> Steps { get; }

    /// <summary>What is in the padding.</summary>
    protected double PadValue => Request.Geometry.IsDown && Problem.PaddingMode == PaddingMode.Constant ? Problem.PadValue : 0;

    /// <summary>What all of these routines have in common: linear forward and backward data in f32 or f64 throughout; the reason, or null.</summary>
    public static string? Lacking(ClRequest request)
    {
        ConvProblem p = request.Problem;
        ClTypes t = request.Types;
        bool mine = p.Op is ConvOp.Correlation or ConvOp.Convolution or ConvOp.Transposed
            && p.Direction is Direction.Forward or Direction.BackwardData
            && t.Big is DataType.F32 or DataType.F64 && t.Big == t.Small && t.Big == t.Weights;
        if (!mine || p.OutputShape.Product == 0 || p.InputShape.Product == 0) return ClRoutine.NotMine;
        return !request.Geometry.IsDown && p.PaddingMode is not (PaddingMode.Zeros or PaddingMode.Constant) ? "the adjoint of a padding that repeats elements" : null;
    }

    public static CpuVectors VectorsOf(ClRequest request)
    {
        ClDeviceProperties device = request.Device.Properties;
        return request.Types.IsDouble ? CpuVectors.Of(device.NativeDoubles, sizeof(double)) : CpuVectors.Of(device.NativeFloats, sizeof(float));
    }

    public sealed override void Enqueue(in ClTensors tensors)
    {
        if (_isExact) _exact!.Enqueue(tensors);
        else Run(tensors, Problem.Direction == Direction.Forward ? tensors.Input : tensors.OutputGradient);
    }

    protected sealed override void PackWeights()
    {
        _isExact = _checks && !AreFinite();
        if (!_isExact)
        {
            Pack();
            return;
        }

        _exact ??= OwnPlan(new DirectRoutine().Create(Request));
        _exact.SetWeights(Weights!.Raw, Bias?.Raw ?? default);
    }

    /// <summary>Queues the packing of weights.</summary>
    protected abstract void Pack();

    /// <summary>Queues one run, from <paramref name="source"/> to the result.</summary>
    protected abstract void Run(in ClTensors tensors, ClMem source);

    /// <summary>A kernel of one of the files for processors; with <paramref name="finishes"/> one that applies what follows the sum.</summary>
    protected ClKernel CpuKernel(string file, string name, string options = "", bool finishes = false)
    {
        PostOps post = finishes && Problem.Direction == Direction.Forward ? Problem.PostOps : PostOps.None;
        return Kernel(file, name, string.Create(
            CultureInfo.InvariantCulture,
            $"{Request.Types.Options} -DL={Vectors.Lanes} -DACT={(int)post.Activation.Kind} -DRESIDUAL={(post.Residual ? 1 : 0)} -DOUT_SCALE={(post.OutputScale is null ? 0 : 1)} {options}"));
    }

    /// <summary>Sets the four numbers of what follows a sum.</summary>
    protected void SetPost(ClKernel kernel, int index)
    {
        PostOps post = Problem.PostOps;
        SetReal(kernel, index, post.ResidualScale);
        SetReal(kernel, index + 1, post.Activation.Alpha);
        SetReal(kernel, index + 2, post.Activation.Beta);
        SetReal(kernel, index + 3, post.OutputScale ?? 1);
    }

    protected void SetReal(ClKernel kernel, int index, double value)
    {
        if (Request.Types.IsDouble) kernel.Set(index, value);
        else kernel.Set(index, (float)value);
    }

    protected ClMemHandle Table(long[] numbers) => Allocate<long>(numbers);

    private bool AreFinite()
    {
        using ClMemHandle flags = Request.Device.AllocateMemory(Checkers * sizeof(int));
        using ClKernel kernel = new(Request.Device, Request.Device.Programs.Get("cpu_finite", $"{Request.Types.Options} -DL={Vectors.Lanes} -DACT=0 -DRESIDUAL=0 -DOUT_SCALE=0"), "cpu_finite");
        kernel.Set(0, Weights!);
        kernel.Set(1, Problem.WeightCount);
        kernel.Set(2, flags);
        kernel.Enqueue(Checkers, groupX: 1);
        Span<int> bad = stackalloc int[Checkers];
        fixed (int* p = bad) Request.Device.Read(flags.Raw, p, 0, Checkers * sizeof(int));
        return !bad.ContainsAnyExcept(0);
    }
}
