namespace ConvNative.Backends.Common.Stores;

/// <summary>A remembered choice, and how far it is to be trusted.</summary>
/// <param name="Choice">What was chosen.</param>
/// <param name="Margin">Time of the second over the chosen; infinite where there was no second, or nobody wrote it down.</param>
/// <param name="Spread">(slowest - fastest) / fastest turn of the chosen: what else the machine did meanwhile.</param>
/// <param name="Agreed">How many measurements in a row chose it.</param>
/// <param name="Date">The day of the last one, in UTC.</param>
/// <param name="Looked">It comes from a short look; a measurement that was asked for replaces it.</param>
internal sealed record Tuned(string Choice, double Margin = double.PositiveInfinity, double Spread = 0, int Agreed = 1, DateOnly Date = default, bool Looked = false)
{
    private const double Clear = 1.15;
    private const int Enough = 3;

    /// <summary>
    /// The choice needs no other measurement: the second was clearly slower, by more than what the winner's own turns differ by, or several measurements
    /// agreed. What was measured beside other load is measured again, by a later process, until that is so.
    /// </summary>
    public bool IsSettled => Agreed >= Enough || Margin >= Clear * (1 + Spread);
}
