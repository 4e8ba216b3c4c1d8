using System.Globalization;
using FinanceIngest.Chaos.Load;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Audit;

/// <summary>Compares the acknowledgements that clients got with the content of tables and queues.</summary>
internal sealed class Auditor(Installation installation, Ledger ledger, AlertMail mail)
{
    private readonly List<(bool Ok, string Text)> _findings = [];

    /// <summary>The checks so far, with their results.</summary>
    public IReadOnlyList<(bool Ok, string Text)> Findings => _findings;

    public bool IsClean => _findings.TrueForAll(finding => finding.Ok);

    /// <summary>Adds a check.</summary>
    public void Check(bool ok, string text) => _findings.Add((ok, text));

    /// <summary>Waits until every acknowledged transaction has its row, every alert is sent and the inbound queue is empty, and checks that it is so.</summary>
    public async Task SettleAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var rows = new Rows(installation);
        IQueueView inbound = installation.Queue(Installation.InboundQueue);
        bool settled = await Patience.UntilAsync(
            async () => await inbound.LengthAsync(cancellationToken) == 0 && rows.Count() >= ledger.Count && rows.Unsent() == 0, patience, cancellationToken);
        long length = await inbound.LengthAsync(cancellationToken);
        Check(settled, settled
            ? "nothing is stuck: the inbound queue is empty, leased and delayed messages included"
            : string.Create(
                CultureInfo.InvariantCulture,
                $"stuck after {patience.TotalSeconds:F0} s: {length} messages on the inbound queue, "
                    + $"{ledger.Count - rows.Count()} rows missing, {rows.Unsent()} alerts unsent"));
    }

    /// <summary>Audits a run in which every message was healthy.</summary>
    /// <param name="feed">How often a consumer of the feed saw each id; null when there was no consumer.</param>
    /// <param name="cancellationToken">Cancels the audit.</param>
    public async Task CheckHealthyAsync(IReadOnlyDictionary<Guid, int>? feed, CancellationToken cancellationToken)
    {
        var rows = new Rows(installation);
        List<ResultRow> results = rows.Results();
        CheckRows(results);
        await CheckAlertsAsync(rows, results, cancellationToken);

        string[] baselines = [.. rows.Baselines()];
        Check(
            baselines.Length == Submission.Users
                && baselines.All(row => row.EndsWith($",{Submission.Mean},{Submission.Deviation},{Submission.Samples}", StringComparison.Ordinal)),
            $"baselines are as they were imported: {baselines.Length}");
        if (feed is not null)
        {
            int skipped = results.Count(row => !feed.ContainsKey(row.Id));
            int again = feed.Values.Count(times => times > 1);
            Check(
                skipped == 0 && again == 0 && feed.Count == results.Count,
                $"a consumer of the feed saw {feed.Count} ids: {skipped} skipped, {again} more than once");
        }

        long poison = rows.Poison();
        long onPoisonQueue = await installation.Queue(Installation.InboundQueue + "-poison").LengthAsync(cancellationToken);
        Check(poison == 0 && onPoisonQueue == 0, $"no poison from healthy messages: {poison} records, {onPoisonQueue} messages");
        long conflicts = rows.Conflicts();
        Check(conflicts == 0, $"no repeat differs from its row: {conflicts} conflicts");
        await CheckFilesAsync(rows, cancellationToken);
        Check(
            ledger.Violations.Count == 0,
            ledger.Violations.Count == 0
                ? $"every answer was sound: {ledger.Refusals} refusals or cut connections, {ledger.Repeats} repeats acknowledged under their first id"
                : string.Join("; ", ledger.Violations.Take(5)));
    }

    private void CheckRows(List<ResultRow> results)
    {
        Dictionary<Guid, ResultRow> byId = [];
        int twice = results.Count(row => !byId.TryAdd(row.Id, row));
        (Submission Submission, Guid Id)[] promised = [.. ledger.Acknowledged.Values];
        HashSet<Guid> ids = [.. promised.Select(promise => promise.Id)];
        int lost = ids.Count(id => !byId.ContainsKey(id));
        int strays = byId.Keys.Count(id => !ids.Contains(id));
        Check(
            lost == 0 && strays == 0 && ids.Count == promised.Length,
            $"acknowledged = rows: {promised.Length} acknowledged, {results.Count} rows, {lost} lost, {strays} that no client submitted");
        Check(twice == 0, $"one row per id: {twice} ids with more than one");
        int wrong = promised.Count(promise => byId.TryGetValue(promise.Id, out ResultRow? row) && !IsRight(row, promise.Submission));
        Check(wrong == 0, $"every row has the submitted values and the harness's own score: {wrong} differ");
    }

    private static bool IsRight(ResultRow row, Submission submission) =>
        row.Status == "scored" && row.UserId == submission.UserId && row.Amount == submission.Amount && row.IsAnomaly == submission.IsAnomaly;

    private async Task CheckAlertsAsync(Rows rows, List<ResultRow> results, CancellationToken cancellationToken)
    {
        await mail.CollectAsync(cancellationToken);
        List<AlertRow> alerts = rows.Alerts();
        HashSet<Guid> anomalies = [.. results.Where(row => row.IsAnomaly).Select(row => row.Id)];
        int perTransaction = alerts.GroupBy(alert => alert.TransactionId).Count(group => group.Count() > 1);
        bool sameSet = anomalies.SetEquals(alerts.Select(alert => alert.TransactionId));
        Check(
            sameSet && perTransaction == 0,
            $"one alert id per anomaly: {anomalies.Count} anomalies, {alerts.Count} alerts, {perTransaction} transactions with two");
        int unmarked = alerts.Count(alert => !alert.IsSent);
        int unsent = alerts.Count(alert => !mail.Received.ContainsKey(alert.AlertId));
        int strangers = mail.Received.Count(received => !anomalies.Contains(received.Value.TransactionId));
        int again = mail.Received.Values.Sum(received => received.Times - 1);
        Check(
            unmarked == 0 && unsent == 0 && strangers == 0 && mail.Problem is null,
            mail.Problem ?? $"every alert was sent and is marked: {mail.Received.Count} received, {again} of them again after a crash, "
                + $"{unsent} missing, {unmarked} not marked, {strangers} of no anomaly");
    }

    private async Task CheckFilesAsync(Rows rows, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        if (rows.Integrity() is not "ok" and { } broken)
        {
            problems.Add($"database: {broken}");
        }

        foreach (string queue in new[] { Installation.InboundQueue, Installation.InboundQueue + "-poison", Installation.AlertQueue })
        {
            if (await installation.Queue(queue).ProblemAsync(cancellationToken) is { Length: > 0 } problem)
            {
                problems.Add($"{queue}: {problem}");
            }
        }

        Check(problems.Count == 0, problems.Count == 0 ? "the files are sound (PRAGMA integrity_check)" : string.Join("; ", problems));
    }
}
