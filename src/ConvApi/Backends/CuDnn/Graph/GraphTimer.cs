using ConvNative.Backends.CuDnn.Device;
using ConvNative.Bindings;
using ConvNative.Bindings.Cuda;

namespace ConvNative.Backends.CuDnn.Graph;

/// <summary>Times plans of one graph with the device's events, on zeroed memory of their own.</summary>
internal static unsafe class GraphTimer
{
    private const int Rounds = 5;

    /// <summary>The plan with the least of its times; every plan has its turn in every round. One that breaks has no further turn.</summary>
    /// <exception cref="NativeCallException">Every plan broke: the first error.</exception>
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
            var broken = new NativeCallException?[plans.Count];
            for (int round = 0; round <= Rounds; round++)
                for (int i = 0; i < plans.Count; i++)
                {
                    if (broken[i] is not null) continue;
                    try
                    {
                        float time = Time(device, packs[i], pointers, plans[i].WorkspaceBytes > 0 ? workspace : 0, start, end);

                        // The first round loads code.
                        if (round > 0) best[i] = Math.Min(best[i], time);
                    }
                    catch (NativeCallException e)
                    {
                        broken[i] = e;
                    }
                }

            int winner = -1;
            for (int i = 0; i < plans.Count; i++)
                if (broken[i] is null && (winner < 0 || best[i] < best[winner])) winner = i;
            return winner < 0 ? throw broken[0]! : plans[winner];
        }
        finally
        {
            foreach (VariantPack pack in packs) pack.Dispose();
            foreach (CudaMemoryHandle m in memory) m.Dispose();
        }
    }

    /// <summary>Milliseconds of one execution.</summary>
    private static float Time(CudaDevice device, VariantPack pack, nint[] pointers, nint workspace, CudaEventHandle start, CudaEventHandle end)
    {
        CudaRt.cudaEventRecord(start.Raw, device.Stream.Raw).Check(nameof(CudaRt.cudaEventRecord));
        pack.Execute(device, pointers, workspace);
        CudaRt.cudaEventRecord(end.Raw, device.Stream.Raw).Check(nameof(CudaRt.cudaEventRecord));
        CudaRt.cudaEventSynchronize(end.Raw).Check(nameof(CudaRt.cudaEventSynchronize));
        float time;
        CudaRt.cudaEventElapsedTime(&time, start.Raw, end.Raw).Check(nameof(CudaRt.cudaEventElapsedTime));
        return time;
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
