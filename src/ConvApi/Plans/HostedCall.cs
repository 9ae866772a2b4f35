using ConvNative.Backends.Common.Threads;

namespace ConvNative.Plans;

/// <summary>A call of a plan that is made in another thread; each thread has one object for its calls.</summary>
internal sealed unsafe class HostedCall : IHosted
{
    [ThreadStatic]
    private static HostedCall? t_own;

    private ConvPlan? _plan;
    private ConvPointers _pointers;
    private bool _isSimple;
    private bool _sets;
    private void* _weights;
    private void* _bias;

    /// <summary>A run.</summary>
    public static HostedCall Run(ConvPlan plan, in ConvPointers pointers, bool isSimple)
    {
        HostedCall call = t_own ??= new HostedCall();
        (call._plan, call._pointers, call._isSimple, call._sets) = (plan, pointers, isSimple, false);
        return call;
    }

    /// <summary>New weights.</summary>
    public static HostedCall Set(ConvPlan plan, void* weights, void* bias)
    {
        HostedCall call = t_own ??= new HostedCall();
        (call._plan, call._sets) = (plan, true);
        call._weights = weights;
        call._bias = bias;
        return call;
    }

    public void Invoke()
    {
        // Read before the call: the thread may make another one within it.
        ConvPlan plan = _plan!;
        _plan = null;
        if (_sets) plan.SetInside(_weights, _bias);
        else
        {
            ConvPointers pointers = _pointers;
            plan.RunInside(pointers, _isSimple);
        }
    }
}
