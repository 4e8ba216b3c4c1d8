using FinanceIngest.Detection;

namespace FinanceIngest.Tests.Detection;

/// <summary>A surprise of one in a hundred is one in a hundred, whatever the detector takes it for; what makes it so adds up and is taken out again.</summary>
public sealed class CalibrationTests
{
    private const int Rows = 20_000;

    [Theory]
    [InlineData(0, 0.9)]
    [InlineData(3, 0.05)]
    [InlineData(8, 0.001)]
    public void Before_anything_was_seen_a_surprise_is_what_it_says(int bucket, double surprise) =>
        Assert.Equal(surprise, SurpriseCalibration.AsPromised.Of(surprise, bucket), 0.02 * surprise);

    [Fact]
    public void A_detector_that_promises_too_thin_a_tail_is_corrected_beyond_what_was_seen_often()
    {
        // What comes once in 1/p is said to come once in 1/p^1.5.
        var calibration = SurpriseCalibration.Of(TableOf(p => Math.Pow(p, 1.5)));
        foreach (double truth in new[] { 0.4, 0.1, 0.05, 0.01, 0.0027, 0.0001 })
        {
            Assert.InRange(calibration.Of(Math.Pow(truth, 1.5), 4) / truth, 0.7, 1.3);
        }
    }

    [Fact]
    public void A_calibrated_surprise_rises_with_what_the_detector_says_and_stays_a_probability()
    {
        var calibration = SurpriseCalibration.Of(TableOf(p => p < 0.5 ? p * p : p));
        double before = double.PositiveInfinity;
        for (double level = 0; level < 300; level += 0.01)
        {
            double surprise = calibration.Of(Math.Pow(10, -level), 4);
            Assert.InRange(surprise, 0, 1);
            Assert.True(surprise < before, $"{surprise} after {before} at {level}");
            before = surprise;
        }

        Assert.InRange(calibration.Of(0, 4), 0, 1e-9);
        Assert.Equal(1, calibration.Of(1, 4), 1e-6);
    }

    [Fact]
    public void A_bucket_with_few_rows_is_judged_with_its_neighbours_and_one_with_many_by_itself()
    {
        CalibrationTable table = TableOf(p => Math.Pow(p, 1.5));
        for (int i = 0; i < 10; i++)
        {
            table.Add(5, 60);
        }

        var calibration = SurpriseCalibration.Of(table);
        Assert.InRange(calibration.Of(Math.Pow(0.01, 1.5), 5), 0.005, 0.02);
        double[] counts = new double[CalibrationTable.Bins];
        Assert.Equal(Rows, table.Joined(4, 300, counts));
        Assert.Equal(Rows + 10, table.Joined(5, 300, counts));
        Assert.Equal(Rows + 10, counts.Sum());
    }

    [Fact]
    public void Contributions_are_counted_and_taken_out_again_whatever_their_order()
    {
        Contribution[] rows = [.. Enumerable.Range(0, 500).Select(i => Ordinary(i % 9, i % 64))];
        var table = new CalibrationTable();
        byte[] empty = Bytes(table);
        Array.ForEach(rows, row => table.Apply(row));
        Assert.Equal(500, table.Rows);
        Assert.NotEqual(empty, Bytes(table));
        foreach (Contribution row in rows.Reverse())
        {
            table.Remove(row);
        }

        Assert.Equal(0, table.Rows);
        Assert.Equal(empty, Bytes(table));
    }

    [Fact]
    public void Suspicious_rows_refuted_rows_and_those_of_the_first_renewals_are_not_counted()
    {
        var table = new CalibrationTable();
        table.Apply(Ordinary(3, 30) with { Weight = 0.3f });
        table.Apply(Ordinary(3, 30) with { Weight = 0 });
        table.Apply(Ordinary(3, 30) with { PriorVersion = 1 });
        Assert.Equal(0, table.Rows);
        table.Apply(Ordinary(3, 30));
        Assert.Equal((1, 1), table.Count(3, 30));
    }

    [Fact]
    public void A_prior_keeps_the_calibration_and_a_category_with_few_rows_takes_that_of_all()
    {
        var renewal = new PriorRenewal(History.Start, 9, AdaptiveSettings.Default);
        CategoryKey many = new(1, false), few = new(2, false);
        renewal.Add(many, new History().Fill(40, 1).Key);
        renewal.Add(few, new History().Fill(40, 2).Key);
        var own = new CalibrationTable();
        own.Add(4, 63);
        (Dictionary<CategoryKey, CategoryPrior> priors, CategoryPrior others) = renewal.Finish(
            new Dictionary<CategoryKey, SeasonSums>(),
            new Dictionary<CategoryKey, CalibrationTable> { [many] = TableOf(p => Math.Pow(p, 1.5)), [few] = own });
        byte[] bytes = new byte[CategoryPrior.Size];
        priors[many].Write(bytes);
        double surprise = Math.Pow(0.01, 1.5);
        Assert.InRange(priors[many].Calibration.Of(surprise, 4), 0.007, 0.013);
        Assert.Equal(priors[many].Calibration.Of(surprise, 4), CategoryPrior.Read(bytes).Calibration.Of(surprise, 4));
        Assert.InRange(priors[few].Calibration.Of(surprise, 4), 0.007, 0.013);
        Assert.Equal(others.Calibration.Of(surprise, 4), priors[few].Calibration.Of(surprise, 4));
    }

    [Fact]
    public void Where_amounts_have_heavy_tails_one_in_a_hundred_is_nearer_to_one_in_a_hundred_than_without_calibration()
    {
        var run = new DetectionRun(new AdaptiveDetector(AdaptiveSettings.Default), AdaptiveSettings.Default, 1);
        var random = new Random(5);
        int judged = 0, raw = 0, calibrated = 0;
        for (int i = 0; i < 24_000; i++)
        {
            // Student's t with three degrees of freedom, as a log amount.
            double t = Normal(random) / Math.Sqrt((Square(random) + Square(random) + Square(random)) / 3);
            int user = random.Next(40);
            Judgement judgement = run.Next(user, 1, new Sighting(Math.Exp(4 + (0.02 * user) + (0.4 * t)), History.Start.AddMinutes(i * 15)), out _);
            if (i > 12_000)
            {
                judged++;
                raw += judgement.Contribution.SurpriseBin >= CalibrationTable.BinOf(0.01) ? 1 : 0;
                calibrated += judgement.Surprise < 0.01 ? 1 : 0;
            }
        }

        // The most suspicious of the ordinary rows are not counted, so that something of the excess stays.
        Assert.True(raw > 0.018 * judged, $"{raw} of {judged} were said to be one in a hundred.");
        Assert.InRange(calibrated, 0.007 * judged, 0.85 * raw);
    }

    private static double Square(Random random) => Math.Pow(Normal(random), 2);

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static Contribution Ordinary(int bucket, int bin) =>
        new() { Weight = 1, PriorVersion = 20, CountBucket = (byte)bucket, SurpriseBin = (byte)bin };

    // Rows of one bucket whose surprise is said to be what the function makes of the true one.
    private static CalibrationTable TableOf(Func<double, double> said)
    {
        var table = new CalibrationTable();
        for (int i = 0; i < Rows; i++)
        {
            table.Add(4, CalibrationTable.BinOf(said((i + 0.5) / Rows)));
        }

        return table;
    }

    private static byte[] Bytes(CalibrationTable table)
    {
        byte[] bytes = new byte[SurpriseCalibration.Size];
        SurpriseCalibration.Of(table).Write(bytes);
        return bytes;
    }
}
