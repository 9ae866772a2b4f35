using System.Numerics;
using System.Runtime.CompilerServices;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Epilogue;

/// <summary>
/// The activations with exponentials, in f32 on vectors. Errors are a few units in the last place of the result, or of 1 where a
/// form saturates; a result never depends on an element's place in the array. Coefficients are interpolations at Chebyshev nodes of
/// our own, rounded to f32.
/// </summary>
internal static unsafe class VectorActivations
{
    /// <summary>True for the kinds that <see cref="Apply"/> knows.</summary>
    public static bool Has(ActivationKind kind) => kind is ActivationKind.Sigmoid or ActivationKind.Tanh or ActivationKind.GeluErf or ActivationKind.GeluTanh or ActivationKind.Silu;

    /// <summary>Replaces <paramref name="count"/> elements by their activation.</summary>
    public static void Apply(in Activation a, float* y, int count)
    {
        switch (a.Kind)
        {
            case ActivationKind.Sigmoid: Each<SigmoidOf>(y, count, 0); break;
            case ActivationKind.Tanh: Each<TanhOf>(y, count, 0); break;
            case ActivationKind.GeluErf: Each<GeluErfOf>(y, count, 0); break;
            case ActivationKind.GeluTanh: Each<GeluTanhOf>(y, count, 0); break;
            case ActivationKind.Silu: Each<SiluOf>(y, count, (float)a.Alpha); break;
            default: throw new ArgumentOutOfRangeException(nameof(a), a.Kind, "not an activation with exponentials");
        }
    }

    private interface IFunction
    {
        static abstract Vector<float> Of(Vector<float> x, float alpha);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Each<TFunction>(float* y, int count, float alpha)
        where TFunction : struct, IFunction
    {
        int i = 0, l = Vector<float>.Count;
        for (; i + l <= count; i += l) TFunction.Of(Vector.Load(y + i), alpha).Store(y + i);
        if (i == count) return;
        float* rest = stackalloc float[l];
        new Span<float>(rest, l).Clear();
        Copy(y + i, rest, count - i);
        TFunction.Of(Vector.Load(rest), alpha).Store(rest);
        Copy(rest, y + i, count - i);

        static void Copy(float* from, float* to, int n)
        {
            for (int k = 0; k < n; k++) to[k] = from[k];
        }
    }

    private static Vector<float> All(float v) => new(v);

    /// <summary>e^x for x at most 88; 0 below the smallest normal result. A NaN gives something finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Exp(Vector<float> x)
    {
        // x = n*ln 2 + r with |r| <= ln(2)/2; adding 1.5*2^23 rounds to an integer. The first part of ln 2 has 15 bits, so n times it is exact.
        Vector<float> inside = Vector.Max(Vector.Min(x, All(88)), All(-87.33f));
        Vector<float> magic = All(12582912f), n = Vector.MultiplyAddEstimate(inside, All(1.44269504f), magic) - magic;
        Vector<float> r = Vector.MultiplyAddEstimate(n, All(-0.693145751953125f), inside);
        r = Vector.MultiplyAddEstimate(n, All(-1.42860677e-6f), r);

        // Taylor's terms: the first that is left out is below 5e-9.
        Vector<float> p = All(1 / 5040f);
        p = Vector.MultiplyAddEstimate(p, r, All(1 / 720f));
        p = Vector.MultiplyAddEstimate(p, r, All(1 / 120f));
        p = Vector.MultiplyAddEstimate(p, r, All(1 / 24f));
        p = Vector.MultiplyAddEstimate(p, r, All(1 / 6f));
        p = Vector.MultiplyAddEstimate(p, r, All(0.5f));
        p = Vector.MultiplyAddEstimate(p, r, Vector<float>.One);
        p = Vector.MultiplyAddEstimate(p, r, Vector<float>.One);
        Vector<int> scale = (Vector.ConvertToInt32(n) + new Vector<int>(127)) << 23;
        return Vector.ConditionalSelect(Vector.LessThan(x, All(-87.33f)), Vector<float>.Zero, p * Vector.AsVectorSingle(scale));
    }

    /// <summary>1/(1 + e^-x), by the exponential of a negative number; a NaN stays one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Sigmoid(Vector<float> x)
    {
        Vector<float> e = Exp(-Vector.Abs(x)), s = Vector<float>.One / (Vector<float>.One + e);
        return OrNaN(x, Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), e * s, s));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> OrNaN(Vector<float> x, Vector<float> y) => Vector.ConditionalSelect(Vector.Equals(x, x), y, x);

    /// <summary>-0 where x is -Infinity: the limit, which the product with 0 misses.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector<float> Limit(Vector<float> x, Vector<float> y) => Vector.ConditionalSelect(Vector.Equals(x, All(float.NegativeInfinity)), All(-0f), y);

    private readonly struct SigmoidOf : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> x, float alpha) => Sigmoid(x);
    }

    private readonly struct TanhOf : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> x, float alpha)
        {
            Vector<float> z = Vector.Abs(x), s = z * z, sign = Vector.AsVectorSingle(Vector.AsVectorInt32(x) & new Vector<int>(int.MinValue));

            // Below 0.625, x + x^3*p(x^2), 2e-8 from tanh; above, 1 - 2/(1 + e^2|x|) does not cancel.
            Vector<float> p = All(-0.006096714176237583f);
            p = Vector.MultiplyAddEstimate(p, s, All(0.020997179672122f));
            p = Vector.MultiplyAddEstimate(p, s, All(-0.05385090783238411f));
            p = Vector.MultiplyAddEstimate(p, s, All(0.1333276927471161f));
            p = Vector.MultiplyAddEstimate(p, s, All(-0.333333283662796f));
            Vector<float> near = Vector.MultiplyAddEstimate(p * s, z, z), far = Vector<float>.One - (All(2) / (Vector<float>.One + Exp(z + z)));
            Vector<float> y = Vector.ConditionalSelect(Vector.LessThan(z, All(0.625f)), near, far);
            return OrNaN(x, Vector.AsVectorSingle(Vector.AsVectorInt32(y) | Vector.AsVectorInt32(sign)));
        }
    }

    private readonly struct GeluErfOf : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> x, float alpha)
        {
            // The normal distribution at -|x| is e^(-x^2/2)*q(t) with t = 1/(1 + 0.28|x|); q to 3e-7 of itself up to 15, where it is 0 in f32.
            Vector<float> z = Vector.Min(Vector.Abs(x), All(15)), t = Vector<float>.One / Vector.MultiplyAddEstimate(z, All(0.28f), Vector<float>.One);
            Vector<float> q = All(0.022354528307914734f);
            q = Vector.MultiplyAddEstimate(q, t, All(-0.08147869259119034f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.0664096251130104f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.024051319807767868f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.051516592502593994f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.09261194616556168f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.10084857791662216f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.11199864745140076f));
            q = Vector.MultiplyAddEstimate(q, t, All(0.11168748140335083f));
            Vector<float> below = q * t * Exp(All(-0.5f) * z * z), share = Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), below, Vector<float>.One - below);
            return OrNaN(x, Limit(x, x * share));
        }
    }

    private readonly struct GeluTanhOf : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> x, float alpha)
        {
            // (1 + tanh u)/2 is the sigmoid of 2u, with 2*sqrt(2/pi) = 1.5957691.
            Vector<float> u = x * Vector.MultiplyAddEstimate(x * x, All(1.5957691216f * 0.044715f), All(1.5957691216f));
            return OrNaN(x, Limit(x, x * Sigmoid(u)));
        }
    }

    private readonly struct SiluOf : IFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector<float> Of(Vector<float> x, float alpha)
        {
            Vector<float> y = x * Sigmoid(All(alpha) * x);
            return alpha > 0 ? Limit(x, y) : y;
        }
    }
}
