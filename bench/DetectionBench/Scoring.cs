using System.Diagnostics;
using System.Globalization;
using FinanceIngest.DetectionBench.Data;
using FinanceIngest.DetectionBench.Detectors;

namespace FinanceIngest.DetectionBench;

/// <summary>Writes a detector's scores of a file.</summary>
internal static class Scoring
{
    /// <summary>Scores a file and returns the exit code: 0, or 1 with a line on standard error.</summary>
    public static int Run(string path, string detector, string scores, double alertsPerUserMonth)
    {
        try
        {
            Payment[] rows = PaymentFile.Read(path);
            IRunningDetector running = AllDetectors.Make(detector, alertsPerUserMonth);
            var verdicts = new Verdict[rows.Length];
            var clock = Stopwatch.StartNew();
            for (int i = 0; i < rows.Length; i++)
            {
                verdicts[i] = running.Next(rows[i]);
            }

            clock.Stop();
            using (var writer = new StreamWriter(scores))
            {
                writer.WriteLine("row,score,surprise,is_alert");
                for (int i = 0; i < rows.Length; i++)
                {
                    writer.WriteLine(string.Create(
                        CultureInfo.InvariantCulture, $"{rows[i].Row},{verdicts[i].Score:R},{verdicts[i].Surprise:R},{(verdicts[i].IsAlert ? 1 : 0)}"));
                }
            }

            Console.Error.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{rows.Length} rows, {verdicts.Count(verdict => verdict.IsAlert)} alerts, "
                + $"{clock.Elapsed.TotalMicroseconds / Math.Max(rows.Length, 1):F2} microseconds a row"));
            return 0;
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }
}
