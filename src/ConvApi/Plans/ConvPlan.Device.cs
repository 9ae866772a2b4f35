using ConvNative.Backends;
using ConvNative.Bindings;

namespace ConvNative.Plans;

/// <content>Runs on tensors that lie on a device.</content>
public abstract partial class ConvPlan
{
    /// <summary>The device that the plan runs on; null for an engine that computes in the host's memory.</summary>
    public virtual ConvDevice? Device => null;

    /// <summary>As the overload for host memory, for weights that lie on <see cref="Device"/>, in the order of the work asked for.</summary>
    /// <exception cref="ArgumentException">A length is not exactly what the problem says, or a buffer lies elsewhere.</exception>
    /// <exception cref="NotSupportedException">The plan computes in the host's memory.</exception>
    public void SetWeights(DeviceBuffer? weights, DeviceBuffer? bias)
    {
        ThrowIfDisposed();
        Check("weights", LengthOf("weights", weights), WeightBytes, Problem.WeightShape);
        Check("bias", LengthOf("bias", bias), BiasBytes, Problem.HasBias ? Problem.BiasShape : default);
        _gate.Close();
        try
        {
            _weightsSet = false;
            SetWeightsCore(weights, bias);
            _weightsSet = true;
        }
        catch (NativeCallException e)
        {
            throw Translate(e);
        }
        finally
        {
            _gate.Open();
        }
    }

    /// <summary>
    /// Runs any direction on tensors that lie on <see cref="Device"/>, without copies, after the work asked for before; the task ends when
    /// the result is there. Nothing is queued where <paramref name="cancel"/> is cancelled already; work that is queued is not torn
    /// apart: the task then ends as cancelled when the device is done with it. The plan may be asked again before the task ends, by any thread: runs are
    /// done in the order in which they were asked for. It may be disposed, too: what is queued is still done.
    /// </summary>
    /// <exception cref="ArgumentException">A tensor is missing, superfluous, of the wrong length, or elsewhere, or a result is the same buffer as another tensor.</exception>
    /// <exception cref="InvalidOperationException">Weights are needed and have not been set.</exception>
    /// <exception cref="ObjectDisposedException">The plan is disposed.</exception>
    /// <exception cref="NotSupportedException">The plan computes in the host's memory.</exception>
    /// <exception cref="OperationCanceledException"><paramref name="cancel"/> was cancelled.</exception>
    /// <exception cref="ConvNativeException">A native call failed.</exception>
    public ValueTask ExecuteAsync(in DeviceArguments a, CancellationToken cancel = default)
    {
        ThrowIfDisposed();
        CheckTensors(
            LengthOf("input", a.Input),
            LengthOf("residual", a.Residual),
            LengthOf("offset", a.Offset),
            LengthOf("mask", a.Mask),
            LengthOf("output_grad", a.OutputGradient),
            LengthOf("result", a.Result),
            LengthOf("bias result", a.BiasResult));
        Apart("result", a.Result, a);
        Apart("bias result", a.BiasResult, a);
        if (a.BiasResult is not null && ReferenceEquals(a.BiasResult, a.Result)) ThrowOverlap("bias result", "result");
        if (cancel.IsCancellationRequested) return ValueTask.FromCanceled(cancel);
        ValueTask queued;
        int lane = _gate.Take();
        try
        {
            if (NeedsWeights && !_weightsSet) ThrowState();
            queued = _gate[lane].ExecuteCoreAsync(a);
        }
        catch (NativeCallException e)
        {
            throw Translate(e);
        }
        finally
        {
            _gate.Return(lane);
        }

        return Finish(queued, cancel);
    }

    /// <summary>As the overload for host memory, on <see cref="Device"/>; lengths and places have been checked.</summary>
    protected virtual void SetWeightsCore(DeviceBuffer? weights, DeviceBuffer? bias) => throw HostOnly();

    /// <summary>Queues a run on <see cref="Device"/>; lengths and places have been checked. The task ends when the result is there.</summary>
    protected virtual ValueTask ExecuteCoreAsync(in DeviceArguments arguments) => throw HostOnly();

    private NotSupportedException HostOnly() => new($"{Backend} computes in the host's memory: use Execute ({Problem})");

    private async ValueTask Finish(ValueTask queued, CancellationToken cancel)
    {
        try
        {
            await queued.ConfigureAwait(false);
        }
        catch (NativeCallException e)
        {
            throw Translate(e);
        }

        GC.KeepAlive(this);
        cancel.ThrowIfCancellationRequested();
    }

    private void Apart(string name, DeviceBuffer? result, in DeviceArguments a)
    {
        // The lengths have been checked: an empty result is written by nobody.
        if (result is null || result.Bytes == 0) return;
        if (ReferenceEquals(result, a.Input)) ThrowOverlap(name, "input");
        if (ReferenceEquals(result, a.Residual)) ThrowOverlap(name, "residual");
        if (ReferenceEquals(result, a.Offset)) ThrowOverlap(name, "offset");
        if (ReferenceEquals(result, a.Mask)) ThrowOverlap(name, "mask");
        if (ReferenceEquals(result, a.OutputGradient)) ThrowOverlap(name, "output_grad");
    }

    private long LengthOf(string name, DeviceBuffer? buffer)
    {
        if (buffer is null) return 0;
        ConvDevice device = Device ?? throw HostOnly();
        return ReferenceEquals(buffer.Device, device)
            ? buffer.Bytes
            : throw new ArgumentException($"{name} lies on {buffer.Device.Id}: must lie on {device.Id}, where the plan runs ({Problem})");
    }
}
