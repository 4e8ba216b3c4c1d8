namespace FinanceIngest.Detection;

/// <summary>
/// How much more is spent in a category on a weekday and in a month: sums over rows of what each said, in whole millionths, so that they add up in
/// any order and
/// on any machine to the same numbers.
/// </summary>
internal sealed class SeasonSums
{
    /// <summary>Units in a weight or a log amount of one.</summary>
    public const int Scale = 1_000_000;

    // Rows' worth at which an offset counts half.
    private const double WeekdayRows = 200;
    private const double MonthRows = 400;

    private readonly long[] _weights = new long[CategoryPrior.Seasons];
    private readonly long[] _sums = new long[CategoryPrior.Seasons];

    /// <summary>Adds what a row contributed.</summary>
    public void Apply(in Contribution row, DateTime occurredAt) => Add(row, occurredAt, 1);

    /// <summary>Takes out what a row contributed.</summary>
    public void Remove(in Contribution row, DateTime occurredAt) => Add(row, occurredAt, -1);

    /// <summary>Adds a sum that was made elsewhere, for example by a query over rows of one weekday or month.</summary>
    /// <param name="index">0 … 6: a weekday from Sunday on; 7 … 18: a month.</param>
    /// <param name="weight">Sum of the rows' weights, in millionths.</param>
    /// <param name="sum">Weighted sum of what they said, in millionths.</param>
    public void Add(int index, long weight, long sum)
    {
        _weights[index] += weight;
        _sums[index] += sum;
    }

    /// <summary>Returns the offsets: mean log amounts above the mean of all weekdays or months, shrunk by how many rows they rest on.</summary>
    public double[] Offsets()
    {
        double[] offsets = new double[CategoryPrior.Seasons];
        Fill(offsets, 0, CategoryPrior.FirstMonth, WeekdayRows);
        Fill(offsets, CategoryPrior.FirstMonth, CategoryPrior.Seasons, MonthRows);
        return offsets;
    }

    private void Fill(double[] offsets, int from, int to, double half)
    {
        double weight = 0, sum = 0;
        for (int i = from; i < to; i++)
        {
            weight += _weights[i];
            sum += _sums[i];
        }

        double mean = sum / Math.Max(weight, Scale);
        for (int i = from; i < to; i++)
        {
            double rows = Math.Max(_weights[i], 0) / (double)Scale;
            offsets[i] = rows > 0 ? ((_sums[i] / (double)_weights[i]) - mean) * rows / (rows + half) : 0;
        }
    }

    private void Add(in Contribution row, DateTime occurredAt, int sign)
    {
        long weight = sign * (long)Math.Round(row.Weight * (double)Scale);
        long sum = sign * (long)Math.Round(row.Weight * (double)row.Seasonal * Scale);
        Add((int)occurredAt.DayOfWeek, weight, sum);
        Add(CategoryPrior.FirstMonth + occurredAt.Month - 1, weight, sum);
    }
}
