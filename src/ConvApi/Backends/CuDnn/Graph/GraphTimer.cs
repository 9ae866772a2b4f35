using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>Times plans of one graph with the device's events, on zeroed memory of their own.</summary>
internal static unsafe class GraphTimer
{
    private const int Rounds = 5;

    /// <summary>The plan with the least of its times; every plan has its turn in every round.</summary>
    public static CompiledGraph Fastest(CudaDevice device, GraphSpec spec, IReadOnlyList<CompiledGraph> plans)
    {
        var memory = new List<CudaMemoryHandle>();
        var packs = new List<VariantPack>();
        try
        {
            (long[] ids, nint[] pointers) = Tensors(device, spec, memory);
            nint workspace = plans.Max(p => p.WorkspaceBytes) is > 0 and var bytes ? (nint)Take(device, bytes, memory) : 0;
            foreach (CompiledGraph plan in plans) packs.Add(new VariantPack(plan, ids));
            using CudaEventHandle start = CudaStaging.NewEvent(timed: true), end = CudaStaging.NewEvent(timed: true);
            var best = new float[plans.Count];
            Array.Fill(best, float.MaxValue);
            for (int round = 0; round <= Rounds; round++)
                for (int i = 0; i < plans.Count; i++)
                {
                    CudaRt.cudaEventRecord(start.Raw, device.Stream.Raw).Check(nameof(CudaRt.cudaEventRecord));
                    packs[i].Execute(device, pointers, plans[i].WorkspaceBytes > 0 ? workspace : 0);
                    CudaRt.cudaEventRecord(end.Raw, device.Stream.Raw).Check(nameof(CudaRt.cudaEventRecord));
                    CudaRt.cudaEventSynchronize(end.Raw).Check(nameof(CudaRt.cudaEventSynchronize));
                    float time;
                    CudaRt.cudaEventElapsedTime(&time, start.Raw, end.Raw).Check(nameof(CudaRt.cudaEventElapsedTime));

                    // The first round loads code.
                    if (round > 0) best[i] = Math.Min(best[i], time);
                }

            return plans[Array.IndexOf(best, best.Min())];
        }
        finally
        {
            foreach (VariantPack pack in packs) pack.Dispose();
            foreach (CudaMemoryHandle m in memory) m.Dispose();
        }
    }

    private static (long[] Ids, nint[] Pointers) Tensors(CudaDevice device, GraphSpec spec, List<CudaMemoryHandle> memory)
    {
        (long Id, GraphTensor Tensor)[] all = [.. spec.Tensors()];
        var pointers = new nint[all.Length];
        for (int i = 0; i < all.Length; i++)
        {
            GraphTensor t = all[i].Tensor;
            long bytes = checked(t.Shape.Product * t.ElementBytes);
            pointers[i] = (nint)Take(device, bytes, memory);
            CudaRt.cudaMemsetAsync((void*)pointers[i], 0, (nuint)bytes, device.Stream.Raw).Check(nameof(CudaRt.cudaMemsetAsync));
        }

        return ([.. all.Select(t => t.Id)], pointers);
    }

    private static void* Take(CudaDevice device, long bytes, List<CudaMemoryHandle> memory)
    {
        CudaMemoryHandle taken = device.AllocateMemory(bytes);
        memory.Add(taken);
        return taken.Raw;
    }
}
