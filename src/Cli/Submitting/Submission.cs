using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Running;

namespace FinanceIngest.Cli.Submitting;

/// <summary>One run of <c>submit</c>.</summary>
/// <param name="host">The streams and the clock.</param>
/// <param name="api">The API.</param>
/// <param name="batchSize">The largest number of rows in a request.</param>
/// <param name="retries">How often a request without progress is repeated.</param>
/// <param name="wait">Whether to wait for the scores.</param>
/// <param name="prefix">The prefix of idempotency keys; null to choose it by the file, see <see cref="IdempotencyKeys"/>.</param>
/// <param name="forms">How a CSV writes numbers and times.</param>
/// <param name="isHistory">Whether the transactions are a history, of which nobody is alerted.</param>
internal sealed class Submission(
    CliHost host, ApiClient api, int batchSize, int retries, bool wait, string? prefix, FileForms forms, bool isHistory = false)
{
    private readonly SubmitTally _tally = new();
    private readonly ScoreWatch? _watch = wait ? new ScoreWatch(api, retries, host.Time) : null;

    /// <summary>Sends the file, writes the summary and returns the exit code.</summary>
    /// <exception cref="CliException">The submission failed before a row was read.</exception>
    public async Task<int> RunAsync(string path, Report report, CancellationToken cancellationToken)
    {
        if (forms.Time.AssumesUtc)
        {
            report.Note("The form of --date-format has no offset, and there is no --time-zone: times are read as UTC.");
        }

        long start = host.Time.GetTimestamp();
        using TransactionFile file = await TransactionFile.OpenAsync(path, once: prefix is not null, host.OpenInput, cancellationToken);
        var keys = new IdempotencyKeys(prefix, file.Name, file.HashContent);
        string? problem;
        try
        {
            await SubmitProgress.ShowAsync(host, file, _tally, _watch?.Summary, () => WorkAsync(file, keys, cancellationToken));
            problem = _tally.Stopped;
        }
        catch (CliException e)
        {
            problem = _tally.Stopped ?? e.Message;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            problem = "Interrupted.";
        }

        if (problem is not null && _tally.Rows == 0 && !cancellationToken.IsCancellationRequested)
        {
            throw new CliException(problem);
        }

        var outcome = new SubmitOutcome(_tally, _watch?.Summary, host.Time.GetElapsedTime(start), problem, keys.UsesContent);
        SubmitReport.Write(report, outcome);
        return cancellationToken.IsCancellationRequested ? CommandLine.Interrupted : outcome.ExitCode;
    }

    private async Task WorkAsync(TransactionFile file, IdempotencyKeys keys, CancellationToken cancellationToken)
    {
        var sender = new BatchSender(api, _tally, retries, host.Time, isHistory);
        if (_watch is not null)
        {
            sender.Accepted += _watch.Add;
        }

        Task watching = _watch?.RunAsync(cancellationToken) ?? Task.CompletedTask;
        try
        {
            await new Submitter(sender, _tally, batchSize).RunAsync(file.Read(forms), keys, cancellationToken);
        }
        finally
        {
            _watch?.Complete();
        }

        await watching;
    }
}
