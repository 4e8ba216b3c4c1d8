using FinanceIngest.Detection;
using FinanceIngest.DetectionBench.Data;
using FinanceIngest.DetectionBench.Detectors;

namespace FinanceIngest.DetectionBench.Measuring;

/// <summary>Runs of detectors over rows.</summary>
internal static class Runs
{
    /// <summary>Returns a detector's verdicts.</summary>
    public static Verdict[] Over(Payment[] rows, IRunningDetector detector)
    {
        var verdicts = new Verdict[rows.Length];
        for (int i = 0; i < rows.Length; i++)
        {
            verdicts[i] = detector.Next(rows[i]);
        }

        return verdicts;
    }

    /// <summary>Returns the rows without those of every second user in the first days, so that half of the users begin after them.</summary>
    public static Payment[] WithNewcomers(Payment[] rows) =>
        [.. rows.Where(row => row.User % 2 == 0 || row.At >= rows[0].At.Date.AddDays(AllDetectors.LearningDays))];

    /// <summary>Returns the verdicts of the adaptive detector when some alerts after the days of learning are answered, truthfully and before the
    /// next row.</summary>
    public static (Verdict[] Verdicts, int Answers) WithAnswers(Payment[] rows, double alertsPerUserMonth, double answered)
    {
        var detector = new AdaptiveRunning(AdaptiveSettings.Default, alertsPerUserMonth);
        var random = new Random(1);
        var verdicts = new Verdict[rows.Length];
        int answers = 0;
        DateTime from = rows[0].At.Date.AddDays(AllDetectors.LearningDays);
        for (int i = 0; i < rows.Length; i++)
        {
            Payment row = rows[i];
            verdicts[i] = detector.Next(row);
            if (verdicts[i].IsAlert && row.At >= from && random.NextDouble() < answered)
            {
                answers++;
                detector.Run.Answer(
                    row.User, row.Category, new Sighting(row.Amount, row.At), detector.Last, row.IsBad ? FeedbackVerdict.Unexpected : FeedbackVerdict.Expected);
            }
        }

        return (verdicts, answers);
    }
}
