using System.Runtime.InteropServices;
using ConvNative.Plans;
using ConvNative.Problems;

namespace ConvNative.Backends.Common;

/// <summary>An empty batch: output and input gradient have no elements, weight and bias gradients are zero.</summary>
internal sealed unsafe class EmptyPlan(ConvProblem problem, string backend) : ConvPlan(problem, backend)
{
    public override string Implementation => "empty";

    protected override void SetWeightsCore(void* weights, void* bias)
    {
    }

    protected override void ExecuteCore(in ConvPointers q)
    {
        if (ResultBytes > 0) NativeMemory.Clear(q.Result, (nuint)ResultBytes);
        if (q.BiasResult != null) NativeMemory.Clear(q.BiasResult, (nuint)BiasBytes);
    }
}
