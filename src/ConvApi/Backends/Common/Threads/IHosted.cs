namespace ConvNative.Backends.Common.Threads;

/// <summary>A call that another thread may make in place of the one that asked, which waits for it.</summary>
internal interface IHosted
{
    /// <summary>Makes it.</summary>
    void Invoke();
}
