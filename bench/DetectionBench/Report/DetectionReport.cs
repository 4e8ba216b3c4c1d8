using System.Globalization;
using System.Text;
using FinanceIngest.Detection;
using FinanceIngest.DetectionBench.Data;
using FinanceIngest.DetectionBench.Detectors;
using FinanceIngest.DetectionBench.Measuring;

namespace FinanceIngest.DetectionBench.Report;

/// <summary>Measures all detectors and writes the page and its plots.</summary>
internal sealed class DetectionReport
{
    private const string CardsFile = "simulated-card-transactions.csv.gz";
    private const string LedgerFile = "household-ledger.csv";
    private const int RowsToWarmUp = 50_000;
    private static readonly double[] s_budgets = [1, 0.25, 0.1];

    // Buckets of rows known, as people ask for them; the first of each.
    private static readonly int[] s_buckets = [3, 6, 11, 21, 51, 101];
    private readonly StringBuilder _page = new();
    private readonly string _folder;
    private readonly string _plots;

    private DetectionReport(string page)
    {
        _folder = Path.GetDirectoryName(Path.GetFullPath(page))!;
        _plots = Directory.CreateDirectory(Path.Combine(_folder, "detection-plots")).FullName;
    }

    /// <summary>Writes the page and returns the exit code: 0, or 1 with a line on standard error.</summary>
    /// <param name="page">The file to write; its plots go into a folder beside it.</param>
    /// <param name="data">The folder with the card payments and the ledger.</param>
    /// <param name="seed">The seed of the suites.</param>
    public static int Run(string page, string data, int seed)
    {
        try
        {
            var report = new DetectionReport(page);
            report.Begin(seed);
            report.Cards(Path.Combine(data, CardsFile));
            report.AllSuites(seed);
            report.Ledger(Path.Combine(data, LedgerFile));
            File.WriteAllText(page, report._page.ToString());
            return 0;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private void Begin(int seed)
    {
        Say("# Detection, measured");
        Say("");
        Say("`bench/detection --data FOLDER` wrote this page; every figure and plot on it comes from one run. The folder holds the development data,");
        Say("which is no part of this project. PR-AUC is the average precision. Detectors read rows in order of time and no label; rows from the");
        Say($"61st day on are judged. The suites are drawn with seed {seed}.");
        Say("");
    }

    private void Cards(string path)
    {
        if (!File.Exists(path))
        {
            Say($"The development cards were not measured: `{Path.GetFileName(path)}` is not in the data folder.");
            Say("");
            return;
        }

        Payment[] rows = PaymentFile.Read(path);
        var plot = new Svg("Development cards: precision and recall", "recall", "precision", (0, 1), (0, 1));
        Say("## Development cards");
        Say("");
        Say("| detector | PR-AUC | recall at 1 alert per user-month | at 0.25 | at 0.1 | processor's microseconds a row |");
        Say("|---|---|---|---|---|---|");
        foreach (string name in AllDetectors.Names)
        {
            Runs.Over(rows[..Math.Min(rows.Length, RowsToWarmUp)], AllDetectors.Make(name));
            TimeSpan before = Environment.CpuUsage.TotalTime;
            Verdict[] verdicts = Runs.Over(rows, AllDetectors.Make(name));
            double microseconds = (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / rows.Length;
            var measures = new Measures(rows, verdicts);
            Say($"| {name} | {measures.AveragePrecision():F3} | {measures.RecallAt(1):F3} | "
                + $"{measures.RecallAt(0.25):F3} | {measures.RecallAt(0.1):F3} | {microseconds:F1} |");
            plot.Line(name, measures.Curve());
        }

        plot.Write(Path.Combine(_plots, "precision-recall.svg"));
        (Verdict[] answered, int answers) = Runs.WithAnswers(rows, 0.25, 0.3);
        Say("");
        Say($"With answers to 30 % of the alerts of a budget of 0.25 ({answers} verdicts), "
            + $"`adaptive` has a PR-AUC of {new Measures(rows, answered).AveragePrecision():F3}.");
        Say("");
        Say("![Precision and recall](detection-plots/precision-recall.svg)");
        Say("");
        Budgets(rows);
        Calibration(Runs.WithNewcomers(rows));
    }

    private void Budgets(Payment[] rows)
    {
        Say("### Alert budgets");
        Say("");
        Say("| budget per user-month | alerts seen | on genuine spending | bad payments found |");
        Say("|---|---|---|---|");
        List<(double, double)> seen = [];
        foreach (double budget in s_budgets)
        {
            var measures = new Measures(rows, Runs.Over(rows, AllDetectors.Make(AdaptiveDetector.Name, budget)));
            Say($"| {budget} | {measures.AlertsPerUserMonth:F3} | {measures.FalseAlerts / (measures.Months * measures.Users):F3} | {measures.Found:P0} |");
            seen.Add((budget, measures.AlertsPerUserMonth));
        }

        var plot = new Svg("Alerts seen against the budget", "budget per user-month", "alerts seen", (0, 1), (0, 1));
        plot.Line("seen", seen.Order());
        plot.Line("as budgeted", [(0, 0), (1, 1)]);
        plot.Write(Path.Combine(_plots, "budgets.svg"));
        Say("");
        Say("![Alert budgets](detection-plots/budgets.svg)");
        Say("");
    }

    private void Calibration(Payment[] rows)
    {
        DateTime from = rows[0].At.Date.AddDays(AllDetectors.LearningDays);
        Dictionary<long, DateTime> first = [];
        foreach (Payment row in rows)
        {
            first.TryAdd(row.User, row.At);
        }

        Verdict[] verdicts = Runs.Over(rows, AllDetectors.Make(AdaptiveDetector.Name));
        Verdict[] genuine = [.. rows.Zip(verdicts).Where(pair => pair.First.Label == 0 && first[pair.First.User] >= from).Select(pair => pair.Second)];
        Say("### False alerts by rows known");
        Say("");
        Say("Genuine payments of customers who begin after day 60 (the first 60 days of every second customer are left out), `adaptive`: how many are as");
        Say("surprising as one in a hundred, and as 0.27 %, against how many should be.");
        Say("");
        Say("| rows known | payments | expected at 1 % | seen | ratio |");
        Say("|---|---|---|---|---|");
        List<(double, double)> ratios = [];
        for (int i = 0; i < s_buckets.Length; i++)
        {
            int last = i + 1 < s_buckets.Length ? s_buckets[i + 1] - 1 : int.MaxValue;
            Verdict[] bucket = [.. genuine.Where(verdict => verdict.Known >= s_buckets[i] && verdict.Known <= last)];
            int seen = bucket.Count(verdict => verdict.Surprise < 0.01);
            double expected = 0.01 * bucket.Length;
            string name = last == int.MaxValue ? "> 100" : $"{s_buckets[i]}–{last}";
            Say($"| {name} | {bucket.Length} | {expected:F1} | {seen} | {seen / Math.Max(expected, 1e-9):F2} |");
            ratios.Add((i + 1, seen / Math.Max(expected, 1e-9)));
        }

        Verdict[] known = [.. genuine.Where(verdict => verdict.Known >= s_buckets[0])];
        double rare = 0.0027 * known.Length;
        Say("");
        int seenRare = known.Count(verdict => verdict.Surprise < 0.0027);
        Say($"At 0.27 %, all of three rows and more: {seenRare} seen, {rare:F1} expected, a ratio of {seenRare / Math.Max(rare, 1e-9):F2}.");
        var plot = new Svg("False alerts against nominal 1 %", "bucket of rows known: 3–5, 6–10, 11–20, 21–50, 51–100, more", "seen / nominal", (1, 6), (0, 2));
        plot.Line("adaptive", ratios);
        plot.Line("as promised", [(1, 1), (6, 1)]);
        plot.Write(Path.Combine(_plots, "calibration.svg"));
        Say("");
        Say("![False alerts by rows known](detection-plots/calibration.svg)");
        Say("");
    }

    private void AllSuites(int seed)
    {
        Say("## Synthetic suites, PR-AUC");
        Say("");
        Say($"| detector | {string.Join(" | ", Suites.Names)} | mean |");
        Say($"|---|{string.Concat(Suites.Names.Select(_ => "---|"))}---|");
        Payment[][] suites = [.. Suites.Names.Select(name => Suites.Build(name, seed))];
        foreach (string name in AllDetectors.Names)
        {
            double[] precisions = [.. suites.Select(rows => new Measures(rows, Runs.Over(rows, AllDetectors.Make(name))).AveragePrecision())];
            string figures = string.Join(" | ", precisions.Select(value => value.ToString("F3", CultureInfo.InvariantCulture)));
            Say($"| {name} | {figures} | {precisions.Average():F3} |");
        }

        Say("");
    }

    private void Ledger(string path)
    {
        Say("## A household's ledger");
        Say("");
        if (!File.Exists(path))
        {
            Say($"The ledger was not measured: `{Path.GetFileName(path)}` is not in the data folder.");
            return;
        }

        Payment[] rows = PaymentFile.Read(path);
        var detector = new AdaptiveRunning(AdaptiveSettings.Default, 1);
        Wording wording = Wording.Of("en", "INR");
        DateTime from = rows[0].At.Date.AddDays(AllDetectors.LearningDays);
        List<string> alerts = [];
        foreach (Payment row in rows)
        {
            if (detector.Next(row).IsAlert && row.At >= from)
            {
                string sentence = wording.Explain(row.Category.ToString(CultureInfo.InvariantCulture), row.Amount, detector.Last);
                alerts.Add($"| {row.At:yyyy-MM-dd} | {row.Amount.ToString("#,##0.##", CultureInfo.InvariantCulture)} | {sentence} |");
            }
        }

        double months = (rows[^1].At - from).TotalDays / Measures.MonthDays;
        Say($"One user, a budget of 1 alert a month: {alerts.Count} alerts in {months:F1} months, as the person would read them.");
        Say("");
        Say("| day | amount | sentence |");
        Say("|---|---|---|");
        alerts.ForEach(Say);
    }

    private void Say(string line) => _page.AppendLine(line);
}
