namespace FinanceIngest.Detection;

/// <summary>
/// Weights of rows by their age, as forward decay (Cormode, Shkapenyuk, Srivastava and Xu 2009): each row weighs 2^((its own time − landmark) / half-life),
/// so that sums over rows add up in any order and no row's weight depends on when it is added. A reader divides by the same power for his own time.
/// </summary>
internal static class Fading
{
    /// <summary>Half-life of what is known of a user and category. 540 days of exponential memory, rounded to whole days.</summary>
    public static readonly TimeSpan HalfLife = TimeSpan.FromDays(375);

    // Beyond this many half-lives from the landmark, two centuries, a time counts as this far: a double holds every power up to there, squares of
    // money included.
    private const int MostOctaves = 200;

    private static readonly DateTime s_landmark = new(2020, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>Returns the weight of a row of this time (UTC) in all sums over rows of one user and category; &gt; 0 and finite.</summary>
    public static double Weight(DateTime time) => Weight(time.Ticks - s_landmark.Ticks, HalfLife.Ticks, 0, MostOctaves);

    /// <summary>
    /// Returns 2^(ticks / halfLife − epoch). The power's fraction does not depend on the epoch, so that weights of two epochs differ by a power of two exactly.
    /// </summary>
    /// <param name="ticks">A time from some landmark on.</param>
    /// <param name="halfLife">In ticks.</param>
    /// <param name="epoch">In half-lives.</param>
    /// <param name="most">A power beyond this many octaves, either way, is taken as this many; ≤ 1000.</param>
    public static double Weight(long ticks, long halfLife, long epoch, int most)
    {
        long whole = Math.DivRem(ticks, halfLife, out long rest);
        return PowerOfTwo(rest / (double)halfLife) * PowerOfTwo(Math.Clamp(whole - epoch, -most, most));
    }

    /// <summary>
    /// Returns 2^<paramref name="exponent"/>, −1000 … 1000, by additions and multiplications alone: these give the same bits on every processor, so that a row
    /// is taken out with exactly the weight with which another machine put it in.
    /// </summary>
    public static double PowerOfTwo(double exponent)
    {
        double whole = Math.Floor(exponent + 0.5);
        double x = (exponent - whole) * 0.69314718055994531;
        double series = 1.0 / 6227020800;
        series = (series * x) + (1.0 / 479001600);
        series = (series * x) + (1.0 / 39916800);
        series = (series * x) + (1.0 / 3628800);
        series = (series * x) + (1.0 / 362880);
        series = (series * x) + (1.0 / 40320);
        series = (series * x) + (1.0 / 5040);
        series = (series * x) + (1.0 / 720);
        series = (series * x) + (1.0 / 120);
        series = (series * x) + (1.0 / 24);
        series = (series * x) + (1.0 / 6);
        series = (series * x) + 0.5;
        series = (series * x) + 1;
        series = (series * x) + 1;
        return series * BitConverter.Int64BitsToDouble(((long)whole + 1023) << 52);
    }
}
