using System.CommandLine;
using FinanceIngest.DetectionBench;
using FinanceIngest.DetectionBench.Detectors;
using FinanceIngest.DetectionBench.Report;

Argument<FileInfo> file = new Argument<FileInfo>("FILE") { Description = "a CSV file of transactions, gzipped if its name ends in .gz" }.AcceptExistingOnly();
Option<string> detector = new Option<string>("--detector") { Description = "the detector", Required = true }.AcceptOnlyFromAmong([.. AllDetectors.Names]);
Option<FileInfo> scores = new("--scores") { Description = "the file to write: row,score,surprise,is_alert", Required = true };
Option<double> budget = new("--alerts-per-user-month") { Description = "the budget of alerts", DefaultValueFactory = _ => 0.25 };
var score = new Command("score", "scores a file with one detector, one pass in order of time") { file, detector, scores, budget };
score.SetAction(parsed => Scoring.Run(
    parsed.GetRequiredValue(file).FullName, parsed.GetRequiredValue(detector), parsed.GetRequiredValue(scores).FullName, parsed.GetRequiredValue(budget)));
Option<FileInfo> page = new("--to") { Description = "the page to write", Required = true };
Option<DirectoryInfo> data = new("--data")
{
    Description = "the folder of the development data; what is not in it is not measured",
    DefaultValueFactory = _ => new DirectoryInfo("."),
};
Option<int> seed = new("--seed") { Description = "the seed of the suites", DefaultValueFactory = _ => 2026 };
var report = new Command("report", "measures all detectors and writes the page with its plots") { page, data, seed };
report.SetAction(parsed => DetectionReport.Run(parsed.GetRequiredValue(page).FullName, parsed.GetRequiredValue(data).FullName, parsed.GetRequiredValue(seed)));
return new RootCommand("Measures detectors.") { score, report }.Parse(args).Invoke();
