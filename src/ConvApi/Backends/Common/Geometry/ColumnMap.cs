using System.Runtime.InteropServices;
using ConvNative.Backends.Common.Numbers;
using ConvNative.Problems;

namespace ConvNative.Backends.Common.Geometry;

/// <summary>
/// im2col (a copy, in any type) and col2im (a sum, in f32): an image <c>[N, C, spatial]</c> and its columns <c>[N, C*K, L]</c>, each in any dense layout. Work splits by
/// (image, channel); each owns all that it writes.
/// </summary>
internal sealed unsafe class ColumnMap
{
    private readonly AxisMap[] _axes = [.. Enumerable.Repeat(new AxisMap(1, 1, 1, 1, 1, 0, PaddingMode.Zeros), 3)];
    private readonly long[] _kernel = [1, 1, 1];
    private readonly long[] _columns = [1, 1, 1];
    private readonly long[] _size = [1, 1, 1];
    private readonly long[] _step = [0, 0, 0];
    private readonly long _channels;
    private readonly long _imageStep;
    private readonly long _channelStep;
    private readonly long _batchStep;
    private readonly long _rowStep;
    private readonly long _columnStep;

    public ColumnMap(ConvProblem p)
    {
        bool fromImage = p.Op == ConvOp.Im2col;
        Dims image = fromImage ? p.InputShape : p.OutputShape, columns = fromImage ? p.OutputShape : p.InputShape;
        Dims i = Layouts.Strides(image, fromImage ? p.InputLayout : p.OutputLayout), c = Layouts.Strides(columns, fromImage ? p.OutputLayout : p.InputLayout);
        (_imageStep, _channelStep) = (i[0], i[1]);
        (_batchStep, _rowStep, _columnStep) = (c[0], c[1], c[2]);
        _channels = image[1];
        for (int s = 0; s < p.Rank; s++)
        {
            int a = 3 - p.Rank + s;
            _size[a] = image[s + 2];
            _step[a] = i[s + 2];
            _kernel[a] = p.Kernel[s];
            _columns[a] = ConvGeometry.OutputSize(image[s + 2], p.Kernel[s], p.Strides[s], p.Dilations[s], p.PadsBegin[s], p.PadsEnd[s]);
            _axes[a] = new AxisMap(checked((int)_size[a]), checked((int)_columns[a]), checked((int)_kernel[a]), p.Strides[s], p.Dilations[s], p.PadsBegin[s], p.PaddingMode);
        }
    }

    /// <summary>Number of (image, channel) pairs for a batch.</summary>
    public long Parts(long batch) => batch * _channels;

    /// <summary>Writes all columns of a pair; <paramref name="outside"/> where they see nothing of the image.</summary>
    public void Unfold<T>(long part, T* image, T* columns, T outside)
        where T : unmanaged
    {
        image += (part / _channels * _imageStep) + (part % _channels * _channelStep);
        columns += (part / _channels * _batchStep) + (part % _channels * Taps * _rowStep);
        AxisMap row = _axes[2];
        for (long tap = 0; tap < Taps; tap++)
            for (long line = 0; line < _columns[0] * _columns[1]; line++)
            {
                T* to = columns + (tap * _rowStep) + (line * _columns[2] * _columnStep);
                int kw = (int)(tap % _kernel[2]);
                if (Line(image, tap, line) is var from && from == null)
                {
                    for (int w = 0; w < row.Small; w++) to[w * _columnStep] = outside;
                    continue;
                }

                (int start, int end) = _columnStep == 1 && _step[2] == 1 && row.Stride == 1 ? row.Readers(kw) : (0, 0);
                for (int w = 0; w < row.Small; w++)
                {
                    if (w == start && end > start)
                    {
                        NativeMemory.Copy(from + row.At(w, kw), to + w, (nuint)((end - start) * sizeof(T)));
                        w = end - 1;
                        continue;
                    }

                    int source = row.At(w, kw);
                    to[w * _columnStep] = source < 0 ? outside : from[source * _step[2]];
                }
            }
    }

    /// <summary>Sums all columns of a pair to its image.</summary>
    public void Fold(long part, float* columns, float* image)
    {
        image += (part / _channels * _imageStep) + (part % _channels * _channelStep);
        columns += (part / _channels * _batchStep) + (part % _channels * Taps * _rowStep);
        for (long d = 0; d < _size[0]; d++)
            for (long h = 0; h < _size[1]; h++)
                for (long w = 0; w < _size[2]; w++) image[(d * _step[0]) + (h * _step[1]) + (w * _step[2])] = 0;
        AxisMap row = _axes[2];
        for (long tap = 0; tap < Taps; tap++)
            for (long line = 0; line < _columns[0] * _columns[1]; line++)
            {
                float* from = columns + (tap * _rowStep) + (line * _columns[2] * _columnStep);
                int kw = (int)(tap % _kernel[2]);
                if (Line(image, tap, line) is var to && to == null) continue;
                (int start, int end) = _columnStep == 1 && _step[2] == 1 && row.Stride == 1 ? row.Readers(kw) : (0, 0);
                for (int w = 0; w < row.Small; w++)
                {
                    if (w == start && end > start)
                    {
                        RowSums.Add(from + w, to + row.At(w, kw), end - start);
                        w = end - 1;
                        continue;
                    }

                    if (row.At(w, kw) is >= 0 and var source) to[source * _step[2]] += from[w * _columnStep];
                }
            }
    }

    private long Taps => _kernel[0] * _kernel[1] * _kernel[2];

    /// <summary>The image's row that a tap sees along a line of columns, or null outside.</summary>
    private T* Line<T>(T* image, long tap, long line)
        where T : unmanaged
    {
        long kd = tap / _kernel[2] / _kernel[1], kh = tap / _kernel[2] % _kernel[1];
        int d = _axes[0].At((int)(line / _columns[1]), (int)kd), h = _axes[1].At((int)(line % _columns[1]), (int)kh);
        return (d | h) < 0 ? null : image + (d * _step[0]) + (h * _step[1]);
    }
}
