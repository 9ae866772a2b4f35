using ConvNative.Cli.Execution;
using ConvNative.Cli.Files;
using ConvNative.Problems;

namespace ConvNative.Cli.Cases;

/// <summary>Checks tensors from files against a problem, name by name, and converts their elements.</summary>
public static class TensorBinding
{
    /// <summary>
    /// The operands of <paramref name="problem"/>. Every tensor that its direction reads must be there, none that the problem
    /// does not have; input, weights and bias may come with any direction, where they only have to have the right shape.
    /// </summary>
    /// <exception cref="ConvProblemException">A tensor is missing, superfluous, or of the wrong shape or type.</exception>
    public static LogicalTensors Bind(ConvProblem problem, IReadOnlyDictionary<string, NpyArray> tensors)
    {
        ArgumentNullException.ThrowIfNull(problem);
        ArgumentNullException.ThrowIfNull(tensors);
        Direction d = problem.Direction;
        bool forward = d == Direction.Forward, deformable = problem.Op == ConvOp.Deformable, sampled = deformable && d != Direction.BackwardBias;
        bool readsInput = d is Direction.Forward or Direction.BackwardWeights or Direction.BackwardOffset or Direction.BackwardMask;
        bool readsWeights = problem.HasWeights && d is not (Direction.BackwardWeights or Direction.BackwardBias);
        byte[]? Take(string name, bool read, bool allowed, Dims shape, DataType type, string whyNot)
        {
            if (!tensors.TryGetValue(name, out NpyArray? array))
                return read ? throw new ConvProblemException(name, "none", $"{Names.Of(problem.Op)} {Names.Of(d)} needs this tensor, of shape {shape}") : null;
            if (!allowed) throw new ConvProblemException(name, array.Shape.ToString(), whyNot);
            if (array.Shape != shape) throw new ConvProblemException(name, array.Shape.ToString(), $"the shape must be {shape}");
            byte[] data = name == "bias" ? TensorFiles.BiasToBytes(array, problem) : TensorFiles.ToBytes(name, array, type);
            return read ? data : null;
        }

        string op = Names.Of(problem.Op);
        var bound = new LogicalTensors
        {
            Input = Take("input", readsInput, true, problem.InputShape, problem.InputType, ""),
            Weights = Take("weights", readsWeights, problem.HasWeights, problem.WeightShape, problem.WeightType, $"{op} has no weights"),
            Bias = Take("bias", forward && problem.HasBias, problem.HasWeights && (!forward || problem.HasBias), problem.BiasShape, problem.BiasType, problem.HasWeights ? "the problem has no bias" : $"{op} has no bias"),
            Residual = Take("residual", forward && problem.PostOps.Residual, forward && problem.PostOps.Residual, problem.OutputShape, problem.OutputType, forward ? "the problem has no residual" : "post-ops belong to the forward direction"),
            Offset = Take("offset", sampled, deformable, problem.OffsetShape, problem.InputType, "only a deformable convolution has offsets"),
            Mask = Take("mask", sampled && problem.HasMask && d != Direction.BackwardMask, deformable && problem.HasMask, problem.MaskShape, problem.InputType, deformable ? "the problem has no mask" : "only a deformable convolution has a mask"),
            OutputGrad = Take("output_grad", !forward, !forward, problem.OutputShape, problem.OutputType, "only the backward directions read an output gradient"),
        };

        // The mask's own gradient does not depend on the mask; plans take one all the same.
        return d != Direction.BackwardMask ? bound : new LogicalTensors
        {
            Input = bound.Input,
            Weights = bound.Weights,
            Offset = bound.Offset,
            OutputGrad = bound.OutputGrad,
            Mask = new byte[checked(problem.MaskShape.Product * problem.InputType.SizeOf())],
        };
    }

    /// <summary>Reads the files of a case, relative to <paramref name="folder"/>.</summary>
    /// <exception cref="ConvProblemException">A file cannot be read.</exception>
    public static Dictionary<string, NpyArray> Load(IReadOnlyDictionary<string, string> files, string folder)
    {
        ArgumentNullException.ThrowIfNull(files);
        var arrays = new Dictionary<string, NpyArray>();
        foreach ((string name, string file) in files)
        {
            try
            {
                arrays[name] = NpyFile.Read(Path.Combine(folder, file));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                throw new ConvProblemException($"tensors.{name}", Shorten(file), "there is no such file");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
            {
                throw new ConvProblemException($"tensors.{name}", Shorten(file), Shorten(e.Message));
            }
        }

        return arrays;
    }

    /// <summary>File names and what the system says about them may be long; a message shows the end, which tells them apart.</summary>
    internal static string Shorten(string text) => text.Length <= 200 ? text : $"...{text[^197..]}";
}
