using System.Runtime.InteropServices;

namespace ConvNative.Cli.Checking;

/// <summary>
/// Ctrl-C and SIGTERM: the first asks the work to stop between two cells; if that takes longer than a moment,
/// <c>save</c> runs on the signal's thread and the process ends. A second one ends it at once.
/// </summary>
public sealed class StopSignals : IDisposable
{
    /// <summary>Exit code of an interrupted run, as shells have it.</summary>
    public const int Interrupted = 130;

    private readonly CancellationTokenSource _stop = new();
    private readonly ManualResetEventSlim _finished = new();
    private readonly Action _save;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _count;

    /// <summary>Listens until disposed; <paramref name="save"/> must be safe beside the work.</summary>
    public StopSignals(Action save)
    {
        _save = save;
        foreach (PosixSignal s in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
        {
            try
            {
                _registrations.Add(PosixSignalRegistration.Create(s, OnSignal));
            }
            catch (PlatformNotSupportedException)
            {
            }
        }
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        _finished.Set();
        foreach (PosixSignalRegistration r in _registrations) r.Dispose();
        _stop.Dispose();
        _finished.Dispose();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (Interlocked.Increment(ref _count) > 1) Environment.Exit(Interrupted);
        _stop.Cancel();

        // The handler must return for a second signal to arrive.
        ThreadPool.QueueUserWorkItem(_ =>
        {
            try
            {
                if (_finished.Wait(3000)) return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }

            try
            {
                _save();
            }
            finally
            {
                Environment.Exit(Interrupted);
            }
        });
    }
}
