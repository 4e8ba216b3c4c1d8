namespace FinanceIngest.Detection;

/// <summary>What a <see cref="KeyState"/> says at one time: how many rows it is worth, and mean and spread of amounts and of log amounts.</summary>
/// <param name="Rows">Rows' worth, ≥ 0: less than were seen, since they fade.</param>
/// <param name="Mean">Mean amount.</param>
/// <param name="Squares">Sum of squared deviations of amounts.</param>
/// <param name="LogMean">Mean log amount.</param>
/// <param name="LogSquares">Sum of squared deviations of log amounts.</param>
/// <param name="Evidence">Mean evidence for the plain scale.</param>
internal readonly record struct Moments(double Rows, double Mean, double Squares, double LogMean, double LogSquares, double Evidence)
{
    // A mean over less is a quotient of roundings.
    private const double LeastRows = 1e-9;

    /// <summary>Reads a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="now">UTC.</param>
    /// <param name="mostRows">The most that the state counts for.</param>
    public static Moments Of(in KeyState state, DateTime now, double mostRows)
    {
        double sum = state.Weight.High;
        double rows = sum / Fading.Weight(now);
        if (!(rows > LeastRows))
        {
            return default;
        }

        double mean = state.Amounts.High / sum;
        double logMean = state.Logs.High / sum;
        double worth = Math.Min(rows, mostRows) / sum;
        return new Moments(
            worth * sum,
            mean,
            Math.Max(state.AmountSquares.High - (state.Amounts.High * mean), 0) * worth,
            logMean,
            Math.Max(state.LogSquares.High - (state.Logs.High * logMean), 0) * worth,
            state.Evidence.High / sum);
    }
}
