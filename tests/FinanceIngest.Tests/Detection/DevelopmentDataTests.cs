using System.Globalization;
using System.IO.Compression;
using FinanceIngest.Detection;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Detection;

/// <summary>What the detector reaches on the development data, where these lie beside the checkout.</summary>
public sealed class DevelopmentDataTests
{
    private const string Ledger = "household-ledger.csv";
    private const string Cards = "simulated-card-transactions.csv.gz";

    [Fact]
    public void A_household_has_at_most_three_alerts_in_two_months_and_a_second_standing_amount_is_one_of_them()
    {
        List<(string[] Fields, DateTime At, double Amount)> rows = Read(Ledger);
        DetectionRun run = Run(1);
        List<(string Category, double Amount)> alerts = [];
        foreach ((string[] fields, DateTime at, double amount) in rows)
        {
            run.Next(1, long.Parse(fields[2], CultureInfo.InvariantCulture), new Sighting(amount, at), out bool isAnomaly);
            if (isAnomaly)
            {
                alerts.Add((fields[2], amount));
            }
        }

        double months = (rows[^1].At - rows[0].At).TotalDays / ThresholdHistory.MonthDays;
        Assert.InRange(alerts.Count / months, 0.1, 1.5);
        Assert.Single(alerts, alert => alert == ("45", 10_000));
    }

    [Fact]
    public void Nearly_nine_in_ten_bad_card_payments_are_found_by_one_alert_in_four_user_months()
    {
        List<(string[] Fields, DateTime At, double Amount)> rows = Read(Cards);
        DetectionRun run = Run(0.25);
        List<(double Odds, bool IsBad)> judged = [];
        HashSet<string> users = [];
        DateTime from = rows[0].At.Date.AddDays(60);
        foreach ((string[] fields, DateTime at, double amount) in rows)
        {
            double odds = run.Next(
                long.Parse(fields[1], CultureInfo.InvariantCulture), long.Parse(fields[2], CultureInfo.InvariantCulture), new Sighting(amount, at), out _).Odds;
            if (at >= from && fields[4] != "2")
            {
                judged.Add((odds, fields[4] != "0"));
                users.Add(fields[1]);
            }
        }

        double months = (rows[^1].At - from).TotalDays / ThresholdHistory.MonthDays;
        double found = judged.OrderByDescending(row => row.Odds).Take((int)(users.Count * months * 0.25)).Count(row => row.IsBad);
        Assert.True(found / judged.Count(row => row.IsBad) >= 0.85);
    }

    private static DetectionRun Run(double budget) => new(new AdaptiveDetector(AdaptiveSettings.Default), AdaptiveSettings.Default, budget);

    private static List<(string[] Fields, DateTime At, double Amount)> Read(string name)
    {
        string? path = Repository.SharedData(name);
        Assert.SkipWhen(path is null, $"{name} is not beside the checkout (../shared/data)");
        using Stream file = File.OpenRead(path!);
        using var reader = new StreamReader(name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        reader.ReadLine();
        List<(string[] Fields, DateTime At, double Amount)> rows = [];
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split(',');
            rows.Add((
                fields, DateTime.Parse(fields[0], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal),
                double.Parse(fields[name == Ledger ? 4 : 3], CultureInfo.InvariantCulture)));
        }

        return [.. rows.OrderBy(row => row.At)];
    }
}
