namespace ConvNative.Cli.Checking;

/// <summary>What became of one problem on one engine.</summary>
public enum CellStatus
{
    /// <summary>Every element of every fill is within its bound, and nothing else was touched.</summary>
    Pass,

    /// <summary>A wrong element, a byte written outside, an input changed, or two runs that differ.</summary>
    Fail,

    /// <summary>The engine says why it does not compute this problem.</summary>
    Unsupported,

    /// <summary>The engine is not on this machine.</summary>
    Unavailable,

    /// <summary>Nothing wrong was seen, but the comparison proves too little.</summary>
    Mistrusted,

    /// <summary>An exception.</summary>
    Error,
}
