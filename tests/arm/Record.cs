using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using ConvNative.Backends.Managed.Kernels;

namespace ConvNative.Arm;

/// <summary>
/// Runs every kernel on 128-bit vectors on this machine and writes down what went in and what came out, for replay.c to
/// repeat with the machine code that the same compiler makes for Arm. All numbers are small integers, so sums are exact and the bits
/// must be equal, fused or not. Tensors lie at one address on both machines, so that no pointer needs a change.
/// </summary>
internal static unsafe partial class Record
{
    private const long At = 0x10_0000_0000;
    private const int Size = 32 * 1024;
    private const int B = 8 * 1024, Index = 16 * 1024, Taps = 18 * 1024, Init = 20 * 1024, Out = 24 * 1024, Limits = Out - 64;
    private static readonly Random s_random = new(7);
    private static byte* s_arena;

    internal static int Main(string[] args)
    {
        s_arena = (byte*)Map((void*)At, Size, 3, 0x100022, -1, 0);
        if ((long)s_arena != At) throw new InvalidOperationException("the tensors' address is taken");
        using var file = new BinaryWriter(File.Create(args[0]));
        int kernels = Micro<I128, Vector128<int>>(file, typeof(MicroKernels<I128, Vector128<int>>)) + All<F128, Vector128<float>>(file) + All<D128, Vector128<double>>(file);
        Console.WriteLine($"{kernels} kernels recorded, {file.BaseStream.Length >> 20} MiB");
        return 0;
    }

    /// <summary>Keeps the compiler for Arm from leaving out what is only found by reflection here.</summary>
    public static void*[] Roots() => [MicroKernels<I128, Vector128<int>>.Find(1, 1), .. Roots<F128, Vector128<float>>(), .. Roots<D128, Vector128<double>>()];

    private static void*[] Roots<TOps, TVec>()
        where TOps : struct, ISortingOps<TVec>
        where TVec : unmanaged =>
    [
        MicroKernels<TOps, TVec>.Find(1, 1), LanesKernels<TOps, TVec>.Find(1), LanesKernels<TOps, TVec>.FindGroups(1), SweepKernels<TOps, TVec>.Find(1), FlatKernels<TOps, TVec>.Find(1, 1),
        RowKernels<TOps, TVec>.Find(1, 1, 1), TileKernels<TOps, TVec>.Find(1, 1, 1), SplitKernels<TOps, TVec>.Find(1, 1, 1), GroupRowKernels<TOps, TVec>.Find(1, 1, 1),
        OuterKernels<TOps, TVec>.Find(1, 1), GroupGradientKernels<TOps, TVec>.Find(1, 1), WalkKernels<TOps, TVec>.Find(),
    ];

    private static int All<TOps, TVec>(BinaryWriter file)
        where TOps : struct, ISortingOps<TVec>
        where TVec : unmanaged
    {
        Type[] micro =
        [
            typeof(MicroKernels<TOps, TVec>), typeof(LanesKernels<TOps, TVec>), typeof(SweepKernels<TOps, TVec>), typeof(FlatKernels<TOps, TVec>), typeof(RowKernels<TOps, TVec>),
            typeof(TileKernels<TOps, TVec>), typeof(SplitKernels<TOps, TVec>), typeof(GroupRowKernels<TOps, TVec>),
        ];
        Type[] gradient = [typeof(OuterKernels<TOps, TVec>), typeof(GroupGradientKernels<TOps, TVec>), typeof(WalkKernels<TOps, TVec>)];
        return micro.Sum(t => Micro<TOps, TVec>(file, t)) + gradient.Sum(t => Gradient<TOps, TVec>(file, t));
    }

    private static int Micro<TOps, TVec>(BinaryWriter file, Type type)
        where TOps : struct, IVectorOps<TVec>
        where TVec : unmanaged
    {
        int size = TOps.ElementSize, kernels = 0;
        foreach (MethodInfo m in Kernels(type))
        {
            kernels++;
            for (int i = 0; i < 6; i++)
            {
                Fill(size, typeof(TOps) == typeof(I128));
                FillIndex(size, masks: m.Name.StartsWith("Flat", StringComparison.Ordinal) || m.Name.StartsWith("Split", StringComparison.Ordinal));
                MicroArguments q = new()
                {
                    A = s_arena + 2048, AElement = Step(size, 8), AStep = Step(size, 16), ALine = Step(size, 32), B = s_arena + B + 2048, BStep = Step(size, 16), Taps = (nint*)(s_arena + Taps),
                    TapCount = s_random.Next(6), Run = s_random.Next(7), Init = s_arena + Init, InitStep = i == 0 ? 0 : Step(size, 16), Index = s_arena + Index,
                    First = s_random.Next(4), End = 2 + s_random.Next(20), FirstRow = s_random.Next(3), EndRow = 2 + s_random.Next(9),
                    Out = s_arena + Out, OutStep = 64 + Step(size, 16), OutLine = 2048,
                    Tiles = s_random.Next(3), BRight = s_random.Next(2) * 512, Finish = (FinishKind)s_random.Next(3), Residual = B - Out, Limits = s_arena + Limits,
                };
                SetLimits(size, typeof(TOps) == typeof(I128));
                Write(file, $"{type.Name.Split('`')[0]}_{typeof(TOps).Name}__{Name(m)}", &q, sizeof(MicroArguments), (delegate*<void*, void>)m.MethodHandle.GetFunctionPointer());
            }
        }

        return kernels;
    }

    private static int Gradient<TOps, TVec>(BinaryWriter file, Type type)
        where TOps : struct, IVectorOps<TVec>
        where TVec : unmanaged
    {
        int size = TOps.ElementSize, kernels = 0;
        foreach (MethodInfo m in Kernels(type))
        {
            kernels++;
            for (int i = 0; i < 6; i++)
            {
                Fill(size, pairs: false);
                FillIndex(size, masks: type == typeof(WalkKernels<TOps, TVec>));

                // Results of one tap lie apart from those of another.
                if (m.Name == "Group")
                    for (int t = 0; t < 9; t++) ((nint*)(s_arena + Taps))[(2 * t) + 1] = t * 256;
                GradientArguments q = new()
                {
                    A = s_arena + 2048, AStep = Step(size, 16), AElement = Step(size, 8), ALine = Step(size, 64), B = s_arena + B + 2048, BElement = Step(size, 16), BLine = Step(size, 64),
                    Lines = s_random.Next(4), Count = s_random.Next(7), Taps = (nint*)(s_arena + Taps), Index = s_arena + Index, Out = s_arena + Out, OutStep = 64 + Step(size, 16),
                };
                Write(file, $"{type.Name.Split('`')[0]}_{typeof(TOps).Name}__{Name(m)}", &q, sizeof(GradientArguments), (delegate*<void*, void>)m.MethodHandle.GetFunctionPointer());
            }
        }

        return kernels;
    }

    private static string Name(MethodInfo m) => string.Join('_', m.GetGenericArguments().Select(t => t.Name).Prepend(m.Name));

    /// <summary>The kernels that a class gives out: methods whose address its Find methods take (ldftn in their code).</summary>
    private static IEnumerable<MethodInfo> Kernels(Type type)
    {
        foreach (MethodInfo find in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
        {
            byte[] code = find.GetMethodBody()!.GetILAsByteArray()!;
            for (int i = 0; i + 6 <= code.Length; i++)
            {
                if (code[i] != 0xFE || code[i + 1] != 0x06) continue;
                yield return (MethodInfo)type.Module.ResolveMethod(BitConverter.ToInt32(code, i + 2), type.GetGenericArguments(), null)!;
                i += 5;
            }
        }
    }

    /// <summary>Small numbers everywhere, 16-bit pairs of them for the integer kernels.</summary>
    private static void Fill(int size, bool pairs)
    {
        for (int at = 0; at < Size; at += size)
        {
            if (at is >= Index and < Init) continue;
            int n = s_random.Next(17) - 8;
            if (pairs) *(int*)(s_arena + at) = (n << 16) | (ushort)(s_random.Next(17) - 8);
            else if (size == 4) *(float*)(s_arena + at) = n;
            else *(double*)(s_arena + at) = n;
        }

        for (int t = 0; t < 64; t++) ((nint*)(s_arena + Taps))[t] = (s_random.Next(65) - 32) * size;
    }

    /// <summary>Least, most and the residual's factor.</summary>
    private static void SetLimits(int size, bool integers)
    {
        foreach ((int i, int n) in ((int, int)[])[(0, -20), (1, 30), (2, 3)])
        {
            byte* at = s_arena + Limits + (i * size);
            if (integers) *(int*)at = n;
            else if (size == 4) *(float*)at = n;
            else *(double*)at = n;
        }
    }

    /// <summary>Numbers of lanes in units of four bytes, or masks.</summary>
    private static void FillIndex(int size, bool masks)
    {
        var index = (int*)(s_arena + Index);
        for (int i = 0; i < 512; i += size / 4)
        {
            int n = masks ? s_random.Next(2) : s_random.Next(16 / size) * (size / 4);
            for (int k = 0; k < size / 4; k++) index[i + k] = masks ? -n : n + k;
        }
    }

    private static nint Step(int size, int most) => s_random.Next(1, most + 1) * size;

    private static void Write(BinaryWriter file, string name, void* arguments, int bytes, delegate*<void*, void> run)
    {
        byte[] text = Encoding.ASCII.GetBytes(name);
        file.Write(text.Length);
        file.Write(text);
        file.Write(bytes);
        file.Write(new ReadOnlySpan<byte>(arguments, bytes));
        file.Write(new ReadOnlySpan<byte>(s_arena, Size));
        run(arguments);
        file.Write(new ReadOnlySpan<byte>(s_arena, Size));
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial void* Map(void* at, nint length, int protection, int flags, int file, nint offset);
}
