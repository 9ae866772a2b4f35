namespace ConvNative.Cli;

/// <summary>Exit codes that scripts rely on.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>A check failed, or an engine did.</summary>
    public const int Failed = 1;

    /// <summary>Bad usage or input.</summary>
    public const int Usage = 2;

    /// <summary>A required backend is unavailable.</summary>
    public const int Unavailable = 3;
}

/// <summary>Ends a verb with one line on standard error and an exit code.</summary>
public sealed class CliException(string message, int code = ExitCode.Usage) : Exception(message)
{
    /// <summary>One of <see cref="ExitCode"/>.</summary>
    public int Code { get; } = code;
}
