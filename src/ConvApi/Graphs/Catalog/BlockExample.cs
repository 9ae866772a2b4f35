using ConvNative.Problems.Graphs;

namespace ConvNative.Graphs.Catalog;

/// <summary>A block at the sizes at which the literature discusses it, and what it is compared with.</summary>
/// <param name="Name">As <c>convnative explain --block</c> takes it.</param>
/// <param name="Title">One line: what it is and whose.</param>
/// <param name="Graph">The block.</param>
/// <param name="Against">What the literature compares it with, with a word for each.</param>
/// <param name="Notes">What the comparison means, and where the literature's own figure slips.</param>
public sealed record BlockExample(string Name, string Title, ConvGraph Graph, IReadOnlyList<(string Label, ConvGraph Graph)> Against, IReadOnlyList<string> Notes);
