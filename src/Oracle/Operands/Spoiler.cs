using ConvNative.Oracle.Variants;
using ConvNative.Problems;

namespace ConvNative.Oracle.Operands;

/// <summary>
/// Puts infinities and NaNs where they tell: about half of the result's channels get one weight that is not finite, and so few other
/// elements are spoilt that most of the result stays finite. Integers and what a direction does not read stay as they are.
/// </summary>
internal static class Spoiler
{
    private const int MostElements = 8;

    public static void Spoil(ConvProblem p, Dictionary<string, double[]> operands, CounterRandom random)
    {
        if (!Fills.Applies(p, FillKind.NotFinite)) return;
        long at = 0;
        if (!p.HasWeights)
        {
            foreach (double[] v in operands.Values) Strew(v, Math.Max(1, v.Length / 16));
            return;
        }

        bool transposed = p.Op == ConvOp.Transposed;
        switch (p.Direction)
        {
            case Direction.Forward or Direction.BackwardData:
                if (p.Op != ConvOp.Deformable) Weights(operands["weights"], down: transposed != (p.Direction == Direction.Forward));

                // One element reaches as many results as there are taps, in every channel of its group.
                if ((p.Direction == Direction.Forward ? p.InputType : p.OutputType) is DataType.BF16 or DataType.F16) return;
                double[] source = operands[p.Direction == Direction.Forward ? "input" : "output_grad"];
                Strew(source, p.Batch * p.ResultShape.Slice(2).Product * p.Groups / (8 * p.Kernel.Product));
                return;
            case Direction.BackwardWeights:
                (double[] small, double[] big) = transposed ? (operands["input"], operands["output_grad"]) : (operands["output_grad"], operands["input"]);
                (Dims smallShape, Dims bigShape) = transposed ? (p.InputShape, p.OutputShape) : (p.OutputShape, p.InputShape);
                Channels(small, smallShape, every: 2, corners: true);
                Channels(big, bigShape, every: 5, corners: false);
                return;
            default:
                Channels(operands["output_grad"], p.OutputShape, every: 2, corners: true);
                return;
        }

        long Next(long below) => random.Below(at++, below);

        double Bad() => Next(3) switch { 0 => double.PositiveInfinity, 1 => double.NegativeInfinity, _ => double.NaN };

        void Strew(double[] v, long count)
        {
            for (long i = Math.Min(count, MostElements); i > 0 && v.Length > 0; i--) v[Next(v.Length)] = Bad();
        }

        // The first channel always, of the others one in every so many; at a corner the windows of border positions reach into padding.
        void Channels(double[] v, Dims shape, int every, bool corners)
        {
            long plane = shape.Slice(2).Product;
            if (v.Length == 0) return;
            for (long c = 0; c < shape[1]; c++)
            {
                if (c > 0 ? Next(every) != 0 : !corners) continue;
                long position = !corners ? Next(plane) : Next(2) == 0 ? 0 : plane - 1;
                v[(((Next(shape[0]) * shape[1]) + c) * plane) + position] = Bad();
            }
        }

        void Weights(double[] w, bool down)
        {
            // [small channels, big channels/groups, k...]; down: the result is on the small side.
            long small = p.WeightShape[0], big = p.WeightShape[1], kernel = p.Kernel.Product, perGroup = small / p.Groups;
            long results = down ? small : big * p.Groups;
            for (long r = 0; r < results; r++)
            {
                if (r > 0 && Next(2) != 0) continue;
                (long s, long b) = down ? (r, Next(big)) : ((r / big * perGroup) + Next(perGroup), r % big);
                w[(((s * big) + b) * kernel) + Next(kernel)] = Bad();
            }
        }
    }
}
