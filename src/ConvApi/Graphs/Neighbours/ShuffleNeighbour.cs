using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Backends.Managed.Epilogue;
using ConvNative.Problems;

namespace ConvNative.Graphs.Neighbours;

/// <summary>
/// Channel shuffle within each pixel, with an activation. A vector of results takes neighbouring elements of every group: each group's are
/// loaded once, permuted to their places and blended in.
/// </summary>
internal sealed unsafe class ShuffleNeighbour : Neighbour
{
    private readonly int _channels;
    private readonly int _groups;
    private readonly int _lanes;
    private readonly PostOpRunner<float> _after;

    // For each vector of results: where it begins in the pixel, then where each group's elements for it do.
    private readonly int[] _at = [];

    // For each of these loads, what IPermuted.With takes.
    private readonly int[] _table = [];

    public ShuffleNeighbour(Dims shape, long groups, Activation activation)
        : this(shape, groups, activation, Avx512F.IsSupported ? 16 : Vector256.IsHardwareAccelerated ? 8 : 1)
    {
    }

    /// <summary>With vectors of 16 or 8 lanes, or without (1).</summary>
    internal ShuffleNeighbour(Dims shape, long groups, Activation activation, int lanes)
    {
        (_channels, _groups) = (checked((int)shape[1]), checked((int)groups));
        _after = new PostOpRunner<float>(PostOps.None with { Activation = activation });
        Parts = shape[0] * shape.Slice(2).Product;
        Elements = shape.Product;

        // With more groups a load brings too few elements; the pixel must have room for a whole load.
        _lanes = _groups <= lanes / 2 && _channels >= lanes ? lanes : 1;
        if (_lanes == 1) return;
        int vectors = (_channels + _lanes - 1) / _lanes, own = _channels / _groups, step = _lanes == 16 ? Sixteen.TableLength : Eight.TableLength;
        _at = GC.AllocateUninitializedArray<int>(vectors * (_groups + 1), pinned: true);
        _table = GC.AllocateArray<int>(vectors * _groups * step, pinned: true);
        for (int v = 0, t = 0, a = 0; v < vectors; v++)
        {
            // The last vector ends with the pixel.
            int first = Math.Min(v * _lanes, _channels - _lanes);
            _at[a++] = first;
            for (int g = 0; g < _groups; g++, t += step)
            {
                int from = Math.Min((g * own) + ((first - g + _groups - 1) / _groups), _channels - _lanes);
                _at[a++] = from;
                for (int i = 0; i < _lanes; i++)
                {
                    int position = first + i, source = (g * own) + (position / _groups) - from;
                    bool mine = position % _groups == g;
                    if (_lanes == 16) _table[t + i] = mine ? 16 + source : i;
                    else if (mine) (_table[t + i], _table[t + _lanes + i]) = (source, -1);
                }
            }
        }
    }

    private interface IPermuted<TSelf>
        where TSelf : struct, IPermuted<TSelf>
    {
        static abstract int TableLength { get; }

        /// <summary>This, with some of the elements at <paramref name="from"/> in some of its lanes.</summary>
        TSelf With(float* from, int* table);

        void Store(float* to);
    }

    public float* Source { get; set; }

    public float* Target { get; set; }

    public override void DoParts(long from, long to, int worker)
    {
        if (_lanes == 16) Vectors<Sixteen>(from, to);
        else if (_lanes == 8) Vectors<Eight>(from, to);
        else Elementwise(from, to);
    }

    private void Vectors<TVector>(long from, long to)
        where TVector : struct, IPermuted<TVector>
    {
        int* places = (int*)Marshal.UnsafeAddrOfPinnedArrayElement(_at, 0), end = places + _at.Length, table = (int*)Marshal.UnsafeAddrOfPinnedArrayElement(_table, 0);
        for (long p = from; p < to; p++)
        {
            float* x = Source + (p * _channels), y = Target + (p * _channels);
            int* t = table;
            for (int* at = places; at < end; at += _groups + 1)
            {
                TVector v = default;
                for (int g = 1; g <= _groups; g++, t += TVector.TableLength) v = v.With(x + at[g], t);
                v.Store(y + *at);
            }

            if (!_after.IsNone) _after.Apply(y, null, _channels);
        }
    }

    private void Elementwise(long from, long to)
    {
        int own = _channels / _groups;
        for (long p = from; p < to; p++)
        {
            float* x = Source + (p * _channels), y = Target + (p * _channels);
            for (int g = 0; g < _groups; g++)
            {
                float* result = y + g;
                for (int j = 0; j < own; j++, result += _groups) *result = *x++;
            }

            if (!_after.IsNone) _after.Apply(y, null, _channels);
        }
    }

    private readonly struct Sixteen(Vector512<float> v) : IPermuted<Sixteen>
    {
        private readonly Vector512<float> _v = v;

        // One permutation of both: 0 to 15 keeps a lane, 16 + i takes element i.
        public static int TableLength => 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Sixteen With(float* from, int* table) => new(Avx512F.PermuteVar16x32x2(_v, Vector512.Load(table), Vector512.Load(from)));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(float* to) => _v.Store(to);
    }

    private readonly struct Eight(Vector256<float> v) : IPermuted<Eight>
    {
        private readonly Vector256<float> _v = v;

        // A permutation, then a mask of the lanes that it fills.
        public static int TableLength => 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Eight With(float* from, int* table) =>
            new(Vector256.ConditionalSelect(Vector256.Load(table + 8).AsSingle(), Vector256.ShuffleNative(Vector256.Load(from), Vector256.Load(table)), _v));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Store(float* to) => _v.Store(to);
    }
}
