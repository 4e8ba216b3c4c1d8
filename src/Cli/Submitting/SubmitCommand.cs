using System.CommandLine;
using System.Globalization;
using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Running;
using FinanceIngest.Intake;

namespace FinanceIngest.Cli.Submitting;

/// <summary>The command <c>submit</c>.</summary>
internal static class SubmitCommand
{
    private const string FileHelp =
        "A .csv whose header has user_id,category_id,amount and optionally occurred_at,idempotency_key (other columns are ignored); "
        + "or an .ndjson or .jsonl with one object of the API per line; or - for NDJSON on standard input.";

    private const string PrefixHelp =
        "A row without an idempotency key of its own is sent with the key PREFIX:SHA-256 of its fields:N, where N numbers identical rows of the file. "
        + "PREFIX is the value of this option. Without it, PREFIX is the file's name for a row with occurred_at, so that a corrected or extended file "
        + "of the same name adds only its new rows; and a hash of the file's whole content for a row without a time, so that rows of two different "
        + "files never swallow each other. Standard input has no name, and all of its rows get the hash.";

    /// <summary>Makes the command.</summary>
    public static Command Create(CliHost host, GlobalOptions options)
    {
        var file = new Argument<string>("FILE") { Description = FileHelp };
        var url = new Option<string>("--url")
        {
            Description = "The address of the API; without it, the environment variable FINANCE_INGEST_URL is used.",
            HelpName = "URL",
            DefaultValueFactory = _ => host.Variable("FINANCE_INGEST_URL") is { Length: > 0 } value ? value : "http://127.0.0.1:7071",
        };
        var key = new Option<string?>("--key")
        {
            Description = "An API key with the scope submit (for --wait also read). Without it, the environment variable FINANCE_INGEST_KEY is used, "
                + "which other users of the machine can't see.",
            HelpName = "KEY",
        };
        Option<int> batchSize = Number("--batch-size", "Rows in one request.", 1000, 1, BatchLimits.MaximumItems);
        Option<int> retries = Number("--retries", "How often a request without progress is repeated, with growing pauses.", 8, 0, 1000);
        var wait = new Option<bool>("--wait") { Description = "Wait until every transaction is scored, and show the anomalies." };
        var history = new Option<bool>("--history")
        {
            Description = "Put a history in: the transactions are learned and scored, and nobody is alerted. Each row needs an occurred_at, and the key also "
                + "the scope manage.",
        };
        var prefix = new Option<string?>("--idempotency-prefix") { Description = PrefixHelp, HelpName = "PREFIX" };
        prefix.Validators.Add(result =>
        {
            if (result.GetValue(prefix) is not { Length: > 0 and <= IdempotencyKeys.LongestPrefix })
            {
                result.AddError($"--idempotency-prefix has 1 to {IdempotencyKeys.LongestPrefix} characters.");
            }
        });
        var command = new Command(
            "submit", "Sends a file of transactions through the HTTP API. It is safe to run again, because accepted rows are recognised.")
        {
            file, url, key, batchSize, wait, history, prefix, retries,
        };
        var formOptions = new FileFormOptions();
        formOptions.AddTo(command, withTimes: true);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            string path = parsed.GetRequiredValue(file);
            FileForms forms = formOptions.Read(parsed, TransactionFile.IsCsv(path));
            string? secret = parsed.GetValue(key) ?? host.Variable("FINANCE_INGEST_KEY");
            using var api = new ApiClient(parsed.GetRequiredValue(url), string.IsNullOrEmpty(secret) ? null : secret, host.Network, host.Time);
            var submission = new Submission(
                host, api, parsed.GetRequiredValue(batchSize), parsed.GetRequiredValue(retries), parsed.GetValue(wait), parsed.GetValue(prefix), forms,
                parsed.GetValue(history));
            return await submission.RunAsync(path, new Report(host, parsed.GetValue(options.Json)), cancellationToken);
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int unset, int minimum, int maximum)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => unset, HelpName = "N" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1
                && (!int.TryParse(result.Tokens[0].Value, NumberStyles.None, CultureInfo.InvariantCulture, out int value) || value < minimum
                    || value > maximum))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} is a whole number from {minimum} to {maximum}."));
            }
        });
        return option;
    }
}
