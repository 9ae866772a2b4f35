using System.Globalization;
using System.Text.RegularExpressions;

namespace ConvNative.Cli.Onnx;

/// <summary>A folder with a <c>model.onnx</c> and its <c>test_data_set_*</c> folders.</summary>
/// <param name="Name">The folder, relative to the one that was searched; its own name where it is that one.</param>
/// <param name="Folder">The folder's path.</param>
public sealed partial record OnnxTest(string Name, string Folder)
{
    /// <summary>The model's path.</summary>
    public string ModelPath => Path.Combine(Folder, "model.onnx");

    /// <summary>Folders of inputs and expected outputs, by number.</summary>
    public IReadOnlyList<string> DataSets => Numbered(Directory.EnumerateDirectories(Folder, "test_data_set_*"), DataSetPattern());

    /// <summary>Every test in a folder, at any depth, in the order of their names.</summary>
    /// <exception cref="CliException">No such folder, or none in it.</exception>
    public static IReadOnlyList<OnnxTest> Find(string directory)
    {
        if (!Directory.Exists(directory)) throw new CliException($"DIR = {directory}: no such folder");
        string root = Path.GetFullPath(directory);
        List<OnnxTest> tests = [.. Directory.EnumerateFiles(root, "model.onnx", SearchOption.AllDirectories).Select(model =>
        {
            string folder = Path.GetDirectoryName(model)!, name = Path.GetRelativePath(root, folder);
            return new OnnxTest(name == "." ? Path.GetFileName(Path.TrimEndingDirectorySeparator(root)) : name.Replace('\\', '/'), folder);
        })];
        if (tests.Count == 0) throw new CliException($"DIR = {directory}: holds no model.onnx");
        tests.Sort((a, b) => string.CompareOrdinal(a.Name, b.Name));
        return tests;
    }

    /// <summary>The tensors <c>input_N.pb</c> or <c>output_N.pb</c> of a data set, by number.</summary>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <exception cref="FormatException">The numbers have a gap, or a file is no tensor.</exception>
    public static IReadOnlyList<OnnxTensor> Tensors(string dataSet, string kind)
    {
        IReadOnlyList<string> files = Numbered(Directory.EnumerateFiles(dataSet, $"{kind}_*.pb"), TensorPattern());
        for (int i = 0; i < files.Count; i++)
            if (Path.GetFileName(files[i]) != $"{kind}_{i}.pb") throw new FormatException($"{Path.GetFileName(dataSet)} has {Path.GetFileName(files[i])}, but no {kind}_{i}.pb");
        return [.. files.Select(OnnxTensor.Load)];
    }

    private static List<string> Numbered(IEnumerable<string> paths, Regex pattern) =>
        [.. paths.Select(p => (Path: p, Match: pattern.Match(p))).Where(p => p.Match.Success)
            .OrderBy(p => int.Parse(p.Match.Groups[1].Value, CultureInfo.InvariantCulture)).Select(p => p.Path)];

    [GeneratedRegex(@"test_data_set_([0-9]{1,6})$")]
    private static partial Regex DataSetPattern();

    [GeneratedRegex(@"_([0-9]{1,6})\.pb$")]
    private static partial Regex TensorPattern();
}
