using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Results;

/// <summary>The command <c>conflicts</c>.</summary>
internal static class ConflictsCommand
{
    private const long DefaultLimit = 100;
    private const long MaximumLimit = 100_000;
    private const int PageSize = 1000;

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        Option<long?> limit = Ranges.Optional("--limit", $"How many at most, 1 to {MaximumLimit}; default {DefaultLimit}.", 1, MaximumLimit);
        var command = new Command(
            "conflicts", "Lists repeats that differ from the transaction that was scored first under their idempotency key, latest first.") { limit };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var session = new CommandSession(host, options, parsed, CommandKind.Reads);
            long wanted = parsed.GetValue(limit) ?? DefaultLimit;
            List<RepeatConflict> found = await ReadAsync(session.Get<IConflictStore>(), wanted + 1, cancellationToken);
            bool more = found.Count > wanted;
            Write(session.Report, more ? found[..^1] : found);
            if (more)
            {
                session.Report.Note($"There are more; --limit N shows up to {MaximumLimit.ToString(CultureInfo.InvariantCulture)}.");
            }

            return ProgramHost.Done;
        });
        return command;
    }

    private static async Task<List<RepeatConflict>> ReadAsync(IConflictStore store, long wanted, CancellationToken cancellationToken)
    {
        var found = new List<RepeatConflict>();
        while (found.Count < wanted)
        {
            int size = (int)Math.Min(PageSize, wanted - found.Count);
            IReadOnlyList<RepeatConflict> page = await store.ReadAsync(found.Count == 0 ? null : found[^1].Number, size, cancellationToken);
            found.AddRange(page);
            if (page.Count < size)
            {
                break;
            }
        }

        return found;
    }

    private static void Write(Report report, List<RepeatConflict> found)
    {
        if (report.Json)
        {
            report.WriteJson(json =>
            {
                json.WriteStartArray();
                found.ForEach(conflict => Write(json, conflict));
                json.WriteEndArray();
            });
        }
        else if (found.Count == 0)
        {
            report.WriteLine("No repeat differs from its transaction.");
        }
        else
        {
            report.WriteTable(["transaction", "user", "recorded at", "what the repeat says otherwise"], found.Select(Row));
        }
    }

    private static string[] Row(RepeatConflict conflict) =>
    [
        conflict.TransactionId.ToString("D"), Text(conflict.Repeat.UserId), Timestamp.ToText(conflict.RecordedAt),
        Difference(conflict) + (conflict.Beyond == 0 ? "" : $"; {Text(conflict.Beyond)} more came later"),
    ];

    private static string Difference(RepeatConflict conflict)
    {
        TransactionFacts repeat = conflict.Repeat;
        if (conflict.First is not { } first)
        {
            return $"amount {Text(repeat.Amount)}; the transaction that stood has been removed since";
        }

        var parts = new List<string>();
        Add("amount", Text(first.Amount), Text(repeat.Amount));
        Add("user", Text(first.UserId), Text(repeat.UserId));
        Add("category", Text(first.CategoryId), Text(repeat.CategoryId));
        Add("occurred at", Text(first.OccurredAt), Text(repeat.OccurredAt));
        return parts.Count == 0 ? "nothing any more: the row was scored anew" : string.Join("; ", parts);

        void Add(string name, string stands, string later)
        {
            if (stands != later)
            {
                parts.Add($"{name} {later}, not {stands}");
            }
        }
    }

    private static void Write(Utf8JsonWriter json, RepeatConflict conflict)
    {
        json.WriteStartObject();
        json.WriteString("transaction_id", conflict.TransactionId);
        json.WriteTime("recorded_at", conflict.RecordedAt);
        json.WriteTime("accepted_at", conflict.AcceptedAt);
        Write(json, "first", conflict.First);
        Write(json, "repeat", conflict.Repeat);
        json.WriteNumber("more_later", conflict.Beyond);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, TransactionFacts? facts)
    {
        if (facts is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        if (facts.UserId is { } user)
        {
            json.WriteNumber("user_id", user);
        }

        if (facts.CategoryId is { } category)
        {
            json.WriteNumber("category_id", category);
        }

        if (facts.Amount is not null)
        {
            json.WritePropertyName("amount");
            json.WriteRawValue(Text(facts.Amount), skipInputValidation: true);
        }

        if (facts.OccurredAt is { } occurredAt)
        {
            json.WriteTime("occurred_at", occurredAt);
        }

        json.WriteEndObject();
    }

    private static string Text(decimal? amount) => amount?.ToString("0.00##", CultureInfo.InvariantCulture) ?? "none";

    private static string Text(long? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "none";

    private static string Text(DateTime? instant) => instant is { } at ? Timestamp.ToText(at) : "none";
}
