using System.Text.RegularExpressions;
using FinanceIngest.Cli.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Cli.Running;
using FinanceIngest.Cli.Submitting;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Http;
using FinanceIngest.Intake;
using FinanceIngest.KestrelHead;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.SigningKeys;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace FinanceIngest.Tests.Documentation;

/// <summary>Compares the figures on the pages with the constants that the code uses.</summary>
public sealed partial class FigureTests
{
    private const string LimitsHead = "| limit | value |";

    private static readonly KestrelServerLimits s_kestrel = ReadKestrelLimits();

    private static readonly int s_connections = new Settings { DataDirectory = "" }.MaximumConnections;
    private static readonly int s_headerSeconds = Code.Whole(s_kestrel.RequestHeadersTimeout.TotalSeconds);
    private static readonly int s_grace = Code.Whole(s_kestrel.MinRequestBodyDataRate!.GracePeriod.TotalSeconds);
    private static readonly double s_bodyRate = s_kestrel.MinRequestBodyDataRate!.BytesPerSecond;
    private static readonly double s_answerRate = s_kestrel.MinResponseDataRate!.BytesPerSecond;
    private static readonly double s_largeBodyRate = Code.Value<double>("BodyPace", "BytesPerSecond");
    private static readonly int s_bodyPause = Code.Seconds("BodyPace", "s_longest");
    private static readonly int s_singleBody = Same(Code.Value<int>("SubmitEndpoints", "MaximumBody"), Code.Value<int>("StatusEndpoints", "MaximumBody"));
    private static readonly int s_batchBody = Same(Code.Value<int>("SubmitBatchEndpoints", "MaximumBody"), Code.Value<int>("StatsEndpoints", "MaximumBody"));
    private static readonly int s_batchItems = Same(BatchLimits.MaximumItems, Code.Value<int>("StatsEndpoints", "MaximumItems"));
    private static readonly int s_sqlTries = Code.Value<int>("SqlServerDatabase", "MaximumTries");
    private static readonly string s_smallRequest = Code.Size(BytesInFlight.Small);
    private static readonly int s_tagBits = Code.Value<int>("IdCertifier", "TagLength") * 8;

    // A UUID has 122 free bits (RFC 9562). The body of a time-ordered id begins with a timestamp of 48 bits in milliseconds.
    private static readonly int s_bodyBits = 122 - s_tagBits;
    private static readonly int s_randomBits = s_bodyBits - 48;

    // A key that carries its time lends the id all of those 48 bits but the lowest.
    private static readonly int s_hashBits = s_randomBits + Code.Value<int>("IdCertifier", "UnitBits");

    /// <summary>The rows of every table with the head "limit, value", page by page.</summary>
    private static readonly Dictionary<string, (string Limit, string Value)[]> s_limits = new()
    {
        ["docs/api.md"] =
        [
            ("transactions of a batch, baselines of a request", Code.Number(s_batchItems)),
            ("settings of a `PUT /api/sensitivity`", Code.Number(Code.Value<int>("SensitivityEndpoints", "MaximumItems"))),
            ("body of feedback", Code.Size(Code.Value<int>("TransactionCommandEndpoints", "MaximumBody"))),
            ("ids of a `POST /api/transactions/status`", Code.Number(Code.Value<int>("StatusEndpoints", "MaximumIds"))),
            ("body of a single transaction, or of ids", Code.Size(s_singleBody)),
            ("body of a batch, or of baselines", Code.Size(s_batchBody)),
            ("an answer to a batch, or to baselines", Code.Size(ApiResponse.MaximumList)),
            ("the errors of items in such an answer", Code.Size(RejectedItems.MaximumBytes)),
            ("characters of a problem's `detail`, or of one message", Code.Number(Problem.MaximumText)),
            ("ids that were never issued, of one key and minute", Code.Number(FailureLimiter.IdsPerMinute)),
            ("requests without a known key, from one address and minute", Code.Number(FailureLimiter.KeysPerMinute)),
            ("seconds of a wait", Code.Number(WaitPreference.MaximumSeconds)),
            ("rows of a page, at most", Code.Number(Code.Value<int>("FeedEndpoints", "MaximumLimit"))),
            ("rows of a page, by default", Code.Number(Code.Value<int>("FeedEndpoints", "DefaultLimit"))),
            ("characters of an idempotency key", Code.Number(TransactionFields.MaximumKeyLength)),
            ("hours that `occurred_at` may lie in the future", Code.Number(Code.Whole(TransactionFields.MaximumFuture.TotalHours))),
            ("decimals of an amount", Code.Number(Code.Whole(Math.Log10(Money.Scale)))),
            ("a bearer token", Code.Size(BearerTokens.MaximumLength)),
            ("`Retry-After` of a 202 or of `pending`", $"1 … {Code.Value<int>("BacklogEstimator", "MaximumSeconds")} s"),
        ],
        ["docs/configuration.md"] =
        [
            ("all requests of a process together, at least", Code.Size(Settings.MinimumBytesInFlight)),
            ("a small request", s_smallRequest),
            ("transactions that wait for their send", Code.Number(Code.Value<int>("InboundSender", "MaximumPendingTransactions"))),
            ("`Retry-After` of 503 `overloaded`", $"1 … {Code.Value<int>("BytesInFlight", "MaximumSeconds")} s"),
            ("`Retry-After` of 503 `queue`", $"1 … {Code.Value<int>("SendOutage", "MaximumSeconds")} s"),
            ("connections, by default", Code.Number(new Settings { DataDirectory = "" }.MaximumConnections)),
            ("places beyond them, for probes", Code.Number(ConnectionPlaces.Reserved)),
            ("the first byte of a connection", $"{Code.Whole(ConnectionPlaces.FirstByte.TotalSeconds)} s"),
            ("all headers of a request", $"{s_headerSeconds} s, {Code.Size(s_kestrel.MaxRequestHeadersTotalSize)}"),
            ($"a body on average, after {s_grace} s", $"{Code.Size(s_bodyRate)}/s"),
            ($"the part of a body beyond {s_smallRequest}", $"{Code.Size(s_largeBodyRate)}/s"),
            ("a pause within that part (408 after it)", $"{s_bodyPause} s"),
            ($"reading an answer on average, after {Code.Whole(s_kestrel.MinResponseDataRate!.GracePeriod.TotalSeconds)} s", $"{Code.Size(s_answerRate)}/s"),
            ("an idle connection, longer than load balancers keep theirs", $"{Code.Whole(s_kestrel.KeepAliveTimeout.TotalSeconds)} s"),
        ],
    };

    /// <summary>The sentences that hold figures, page by page, with the figures taken from the code.</summary>
    private static readonly Dictionary<string, string[]> s_sentences = new()
    {
        ["docs/api.md"] =
        [
            $"[submits up to {Code.Number(s_batchItems)} transactions]",
            $"for at most N seconds, N ≤ {WaitPreference.MaximumSeconds}",
            $"string of 1 to {TransactionFields.MaximumKeyLength} characters",
            $"An answer has at most {Code.Size(ApiResponse.MaximumList)}. `accepted`",
            $"`rejected` has the first {Code.Size(RejectedItems.MaximumBytes)}",
            $"not more than {TransactionFields.MaximumFuture.TotalHours} hours in the future",
            $"(N ≤ {Code.Number(Code.Value<int>("FeedEndpoints", "MaximumLimit"))}, default {Code.Value<int>("FeedEndpoints", "DefaultLimit")})",
        ],
        ["docs/cli.md"] =
        [
            ExitCodes(),
            $"{CommandLine.Interrupted} after Ctrl-C",
            $"Rows are written in transactions of {Code.Number(Code.Value<int>("StatsImportCommand", "ChunkSize"))}",
            $"1 to {Code.Number(s_batchItems)}, default",
            $"up to {Code.Word(Code.Whole(Code.Value<TimeSpan>("RetryAfter", "Longest").TotalMinutes))} minutes",
            $"answer of more than {Code.Size(Code.Value<int>("ApiClient", "MaximumAnswer"))}",
            $"with {Code.Word(Code.Value<int>("Submitter", "Concurrency"))} requests at a time",
            $"(at most {Code.Value<long>("TransactionFile", "LargestCopy") >> 30} GiB)",
            $"a line every {Code.Word(Code.Seconds("QueueStatusCommand", "s_watchInterval"))} seconds",
            $"at most {Code.Value<int>("QueuePeekCommand", "MaximumMessages")}, decoded",
            $"has failed {Code.Word(FailedMessages.MaximumAttempts)} times by itself",
            $"for at most {Code.Word(Code.Whole(Code.Value<TimeSpan>("PoisonQueueSweep", "s_lease").TotalMinutes))} minutes",
        ],
        ["docs/configuration.md"] =
        [
            $"fewer than {Code.Value<int>("ApiHead", "ShortestSecret")} characters",
            $"at least {Settings.MinimumBytesInFlight} (",
            $"never less than {Code.Size(Settings.MinimumBytesInFlight)}",
            $"{ConnectionPlaces.Reserved} more are taken",
            $"Rows are removed {Code.Number(IRetentionStore.ChunkSize)} at a time",
        ],
        ["docs/files.md"] =
        [
            $"A line longer than {LineReader.LongestLine >> 20} MiB is refused",
            $"the first of the first {CsvTable.HeaderLines} lines",
            $"nested more than {NdjsonRow.MaximumDepth} deep",
            $"The keys of the first {Code.Number(KeyRepeats.MaximumKeys)} such",
            $"at most {BaselineFile.MaximumBytes >> 20} MiB and {Code.Number(BaselineFile.MaximumRows)} entries",
            $"the first {Code.Number(Math.Min(SubmitTally.MaximumKept, BaselineCollector.MaximumKept))} refusals",
            $"at most {Code.Value<int>("SubmitTally", "LongestReason")} characters each",
            $"more than {Code.Number(FieldText.LongestValue)} characters is refused",
        ],
        ["docs/operations.md"] =
        [
            $"sampled at most every {Code.Seconds("QueueGauges", "s_interval")} s",
            $"renewed every {Code.Word((int)Deadlines.Renewal.TotalSeconds)} seconds",
            $"failed {Code.Word(FailedMessages.MaximumAttempts)} times by itself",
        ],
        ["docs/reliability.md"] =
        [
            $"ends within {Deadlines.Stop.TotalSeconds} s. After a crash its messages are taken up again within {Deadlines.Recovery.TotalSeconds} s",
            $"a lease lasts {Deadlines.Lease.TotalSeconds} s",
            $"not durable {Deadlines.FinishInHand.TotalSeconds} s after SIGTERM",
            $"handles it, {Code.Word(FailedMessages.MaximumAttempts)} times is poison",
            $"limited to {Convert.ToInt64(Code.Value<string>("ChildProcess", "HeapLimit"), 16) >> 20} MiB",
        ],
        ["docs/security.md"] =
        [
            $"{Deadlines.NotifySend.TotalSeconds} s, and of an answer {Code.Size(BoundedAnswers.Most)} are read",
            $"with {BearerTokens.Skew.TotalSeconds} s of tolerance",
            $"a token has at most {Code.Size(BearerTokens.MaximumLength)}",
            $"at most every {OpenIdAuthority.Pause.TotalSeconds} s",
            $"known keys of the issuer are believed for {OpenIdAuthority.BelievedFor.TotalHours} hours",
            $"an id has {s_randomBits}, {s_hashBits} or {s_bodyBits} bits that can't be guessed",
            $"its time and {s_hashBits} bits of that HMAC",
            $"{s_randomBits} random bits",
            $"{s_bodyBits} bits of HMAC-SHA256",
            $"an RSA key has at least {Code.Number(BearerTokens.SmallestRsaKey)} bits",
            $"{s_tagBits} bits of SipHash-2-4",
            $"all headers must arrive within {s_headerSeconds} s; "
                + $"after {s_grace} s a body must arrive at {Code.Number(Code.Whole(s_bodyRate))} B/s on average, "
                + $"its part beyond {s_smallRequest} at {Code.Size(s_largeBodyRate)}/s without a pause longer than {s_bodyPause} s; "
                + $"an answer must be read at {Code.Size(s_answerRate)}/s",
            $"a batch has at most {Code.Size(s_batchBody)}",
            $"of the errors of a batch the first {Code.Size(RejectedItems.MaximumBytes)} are answered",
            $"an answer to a batch has at most {Code.Size(ApiResponse.MaximumList)}, and a text of a problem {Problem.MaximumText} characters",
            $"its first byte within {Code.Whole(ConnectionPlaces.FirstByte.TotalSeconds)} s",
            $"{ConnectionPlaces.Reserved} places are kept for probes",
            $"asks for {Code.Size(KestrelLimits.SocketBuffer)} in each direction, which Linux doubles: at most {Code.Size(2 * KestrelLimits.SocketBuffer)}",
            $"{Code.Number(s_connections + ConnectionPlaces.Reserved)} connections, that is "
                + $"{Code.Number((s_connections + ConnectionPlaces.Reserved) * 2L * KestrelLimits.SocketBuffer >> 20)} MiB",
            $"the last look holds for {SigningKey.LookHolds.TotalSeconds} s",
            $"a reason in the log has at most {Code.Number(FailureText.LongestReason)} characters",
            $"{Code.Number(FailureLimiter.IdsPerMinute)} ids that were never issued are answered for each key and minute, "
                + $"and {FailureLimiter.KeysPerMinute} requests without a known key for each address and minute",
            $"told of {FailureLimiter.KeysPerMinute} failures a minute",
            GuessesOfIds(),
            $"a secret of fewer than {Code.Value<int>("ApiHead", "ShortestSecret")} characters",
            $"for up to an hour, and during its outage for up to {OpenIdAuthority.BelievedFor.TotalHours}",
        ],
        ["docs/sql-server.md"] =
        [
            $"emptied after {Code.Seconds("SqlServerDatabase", "s_idleTime")} seconds without use",
            $"tried {s_sqlTries} times at most",
        ],
    };

    public static TheoryData<string> PagesWithSentences => [.. s_sentences.Keys];

    [Fact]
    public void Every_row_of_every_table_of_limits_is_what_the_code_has()
    {
        Dictionary<string, (string, string)[]> stated = MarkdownPage.All()
            .ToDictionary(page => page.Path, page => page.Rows(LimitsHead).Select(cells => (cells[0], cells[1])).ToArray());

        Assert.Equal(s_limits.Keys.Order(), stated.Where(page => page.Value.Length > 0).Select(page => page.Key).Order());
        Assert.All(s_limits, page => Assert.Equal(page.Value, stated[page.Key]));
    }

    [Theory]
    [MemberData(nameof(PagesWithSentences))]
    public void Sentences_have_the_figures_of_the_code(string path)
    {
        string page = Flat(MarkdownPage.Read(path).Text);

        Assert.All(s_sentences[path], sentence => Assert.Contains(sentence, page, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("docs/security.md", "## Threats")]
    [InlineData("docs/security.md", "## Tokens")]
    [InlineData("docs/configuration.md", "## What a process holds")]
    public void No_figure_of_these_sections_stands_there_unchecked(string path, string heading)
    {
        string section = Flat(MarkdownPage.Read(path).Section(heading));
        string[] known = [.. s_sentences[path], .. s_limits.GetValueOrDefault(path, []).Select(row => $"| {row.Limit} | {row.Value} |")];
        Range[] checkedText = [.. known.SelectMany(text => Occurrences(section, text))];

        Assert.NotEmpty(checkedText);
        Assert.All(Figure().Matches(section), figure => Assert.True(
            checkedText.Any(range => range.Start.Value <= figure.Index && figure.Index + figure.Length <= range.End.Value),
            $"{path}: {figure.Value} is compared with nothing: …{section[Math.Max(0, figure.Index - 40)..(figure.Index + figure.Length)]}"));
    }

    private static KestrelServerLimits ReadKestrelLimits()
    {
        using var folder = new TemporaryFolder();
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        ListenAddresses.Configure(builder, new Settings { DataDirectory = folder.Path }, 7071);
        using ServiceProvider services = builder.Services.BuildServiceProvider();
        return services.GetRequiredService<IOptions<KestrelServerOptions>>().Value.Limits;
    }

    // A guess passes the certificate with a chance of one in two to the power of its bits.
    private static string GuessesOfIds()
    {
        double days = Math.Pow(2, s_tagBits) / FailureLimiter.IdsPerMinute / TimeSpan.FromDays(1).TotalMinutes;
        return $"of each key {Code.Number(FailureLimiter.IdsPerMinute)} guesses a minute are answered, so that one passes after {(int)days} days on average";
    }

    private static string ExitCodes() =>
        $"{ProgramHost.Done} done; {ProgramHost.Failed} failed, or only partly done; {ProgramHost.WrongUse} wrong use or a wrong setting";

    // A page may state one figure for two constants; the constants must then be equal.
    private static int Same(int one, int other)
    {
        Assert.Equal(one, other);
        return one;
    }

    // A page may wrap a sentence at any space, so sentences are compared with single spaces.
    private static string Flat(string text) => WhiteSpace().Replace(text, " ");

    private static IEnumerable<Range> Occurrences(string text, string part)
    {
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + 1, StringComparison.Ordinal))
        {
            yield return at..(at + part.Length);
        }
    }

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();

    [GeneratedRegex(@"\b\d[\d,]*(?: s|(?: [KMG]i?B| B)(?:/s)?| (?:seconds|minutes|hours|days|bits|characters))\b")]
    private static partial Regex Figure();
}
