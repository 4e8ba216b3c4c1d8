using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using Spectre.Console;

namespace FinanceIngest.Cli.Submitting;

/// <summary>Shows the progress of a submission on standard error: a bar on a terminal, and otherwise a line for each retry.</summary>
internal static class SubmitProgress
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs the work, and shows its progress until it ends.</summary>
    public static async Task ShowAsync(CliHost host, TransactionFile file, SubmitTally tally, ScoreSummary? scores, Func<Task> work)
    {
        if (!host.IsErrorTerminal)
        {
            tally.Retrying += text => host.Error.WriteLine(SafeText.Line(text));
            await work();
            return;
        }

        string? problem = null;
        tally.Retrying += text => Volatile.Write(ref problem, text);
        await Report.ConsoleOn(host.Error).Progress().Columns(Columns()).StartAsync(async context =>
        {
            ProgressTask sending = context.AddTask("sending", maxValue: Math.Max(1, file.Length ?? 1));
            sending.IsIndeterminate = file.Length is null;
            ProgressTask? scoring = scores is null ? null : context.AddTask("scoring");
            Task running = work();
            while (await Task.WhenAny(running, Task.Delay(s_interval)) != running)
            {
                Update(sending, file, tally, Volatile.Read(ref problem));
                Update(scoring, scores, tally);
            }

            problem = null;
            Update(sending, file, tally, problem);
            Update(scoring, scores, tally);
            await running;
        });
    }

    private static ProgressColumn[] Columns() =>
        [new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn()];

    private static void Update(ProgressTask sending, TransactionFile file, SubmitTally tally, string? problem)
    {
        sending.Value = file.Length is null ? 0 : file.Position;
        string text = $"{tally.Accepted:N0} accepted, {tally.Rejected:N0} rejected";
        sending.Description = Markup.Escape(SafeText.Line(problem is null || tally.Unsent == 0 ? text : $"{text}. {problem}"));
    }

    private static void Update(ProgressTask? scoring, ScoreSummary? scores, SubmitTally tally)
    {
        if (scoring is not null)
        {
            scoring.MaxValue = Math.Max(1, tally.Accepted);
            scoring.Value = scores!.Count;
            scoring.Description = Markup.Escape($"{scores.Scored:N0} scored, {scores.Anomalies:N0} anomalies");
        }
    }
}
