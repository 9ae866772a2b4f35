using System.Reflection;
using System.Runtime.CompilerServices;
using ConvNative.Graphs;
using ConvNative.Plans;
using ConvNative.Problems;
using ConvNative.Problems.Graphs;

namespace ConvNative.Tests.Problems;

/// <summary>A number that an enumeration does not name is refused by field, value and rule wherever a caller can put one.</summary>
[TestClass]
public sealed class DefinedValueTests
{
    private static readonly ConvSpec s_spec = new() { InputShape = [1, 2, 5, 7], WeightShape = [3, 2, 3, 3] };

    /// <summary>Every property of an enumeration's type that a caller sets, and what reads it.</summary>
    public static IEnumerable<object[]> Properties =>
        from pair in new (Type Type, Action<object> Read)[]
        {
            (typeof(ConvSpec), o => ((ConvSpec)o).Build()),
            (typeof(ConvOptions), o => Conv.Problem(ConvOp.Correlation, [1, 2, 5, 7], [3, 2, 3, 3], false, (ConvOptions)o)),
            (typeof(PlanOptions), _ => { }),
            (typeof(GraphOptions), _ => { }),
            (typeof(PostOps), o => (s_spec with { PostOps = (PostOps)o }).Build()),
            (typeof(Activation), o => (s_spec with { PostOps = PostOps.None with { Activation = (Activation)o } }).Build()),
            (typeof(PoolWindow), o => ((PoolWindow)o).OutputSpatial([5, 7])),
            (typeof(ConvSettings), _ => { }),
            (typeof(Quantization), _ => { }),
        }
        from p in pair.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        where (Nullable.GetUnderlyingType(p.PropertyType) ?? p.PropertyType).IsEnum && p.CanWrite
        select new object[] { p, pair.Read };

    private static object Some(Type type) => type == typeof(ConvSpec) ? s_spec with { }
        : type == typeof(PoolWindow) ? new PoolWindow(PoolKind.Max, [3, 3], [1, 1], [0, 0], [0, 0])
        : RuntimeHelpers.GetUninitializedObject(type) is ValueType v ? v
        : Activator.CreateInstance(type)!;

    [TestMethod]
    [DynamicData(nameof(Properties))]
    public void AnUndefinedValueIsRefused(PropertyInfo property, Action<object> read)
    {
        object target = Some(property.DeclaringType!);
        Type type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
        foreach (int number in (int[])[77, -1])
        {
            Exception e = Assert.Throws<Exception>(() =>
            {
                try
                {
                    property.SetValue(target, Enum.ToObject(type, number));
                }
                catch (TargetInvocationException wrapped)
                {
                    throw wrapped.InnerException!;
                }

                read(target);
            });
            Assert.IsTrue(e is ConvProblemException or ArgumentOutOfRangeException, $"{property}: {e}");
            StringAssert.Contains(e.Message, $" = {number}: must be one of ");
        }
    }

    [TestMethod]
    public void TheListOfPropertiesIsNotEmpty() => Assert.IsGreaterThan(14, Properties.Count());

    [TestMethod]
    public void ArgumentsToo()
    {
        Assert.AreEqual("op", Assert.ThrowsExactly<ConvProblemException>(() => Conv.Problem((ConvOp)55, [1, 1, 3, 3], [1, 1, 3, 3], false)).Field);
        Assert.AreEqual("padding_mode", Assert.ThrowsExactly<ConvProblemException>(() =>
            Conv.Convolve(new float[9], [1, 1, 3, 3], new float[9], [1, 1, 3, 3], default, new float[9], new ConvOptions { Padding = 1, PaddingMode = (PaddingMode)77 })).Field);
        Assert.AreEqual("activation", Assert.ThrowsExactly<ConvProblemException>(() => new GraphBuilder("g").Input([1, 2, 5, 7]).Activate(new Activation((ActivationKind)77))).Field);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ((DataType)77).SizeOf());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ((DataType)77).Name());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => ((Layout)77).Tag());
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Layouts.Strides([1, 2, 3, 4], (Layout)77));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new PlanOptions { MaxWorkspaceBytes = -1 });
    }
}
