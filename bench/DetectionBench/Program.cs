using System.CommandLine;
using FinanceIngest.DetectionBench;
using FinanceIngest.DetectionBench.Detectors;

Argument<FileInfo> file = new Argument<FileInfo>("FILE") { Description = "a CSV file of transactions, gzipped if its name ends in .gz" }.AcceptExistingOnly();
Option<string> detector = new Option<string>("--detector") { Description = "the detector", Required = true }.AcceptOnlyFromAmong([.. AllDetectors.Names]);
Option<FileInfo> scores = new("--scores") { Description = "the file to write: row,score,surprise,is_alert", Required = true };
Option<double> budget = new("--alerts-per-user-month") { Description = "the budget of alerts", DefaultValueFactory = _ => 0.25 };
var score = new Command("score", "scores a file with one detector, one pass in order of time") { file, detector, scores, budget };
score.SetAction(parsed => Scoring.Run(
    parsed.GetRequiredValue(file).FullName, parsed.GetRequiredValue(detector), parsed.GetRequiredValue(scores).FullName, parsed.GetRequiredValue(budget)));
return new RootCommand("Measures detectors.") { score }.Parse(args).Invoke();
