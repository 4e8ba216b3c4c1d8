using System.Diagnostics;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Scoring.Isolation;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Scoring;

/// <summary>Isolation in real processes: the real programs run as children, and a shell stands in for a child that misbehaves.</summary>
[Needs(Outside.Program)]
public sealed class ChildProcessTests : IDisposable
{
    private const string Key = "the key of these tests";
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ScoringWorker")]
    [InlineData("IngestServer")]
    public async Task A_child_of_the_real_program_scores_one_message_after_the_other_and_ends_with_its_input(string program)
    {
        var ids = new IdCertifier(Key, TimeProvider.System);
        Guid[] transactions = [ids.NewId(), ids.NewId()];
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = _folder.Path };
        start.ArgumentList.Add(ProgramProcess.PathOf(program));
        start.ArgumentList.Add(ScoringChild.Argument);
        start.ArgumentList.Add("--FinanceIngest:Scoring:Threshold=2.5");
        start.Environment["FinanceIngest__DataDirectory"] = _folder.Path;
        start.Environment["FinanceIngest__IdSigningKey"] = Key;
        await using var child = new ChildProcess(start, TimeProvider.System);

        Assert.Null(await child.PrepareAsync(Token));
        Assert.Null(await child.PrepareAsync(Token));
        ScoringOutcome first = await child.ScoreAsync(Message(Envelope(transactions[0])), long.MaxValue, Token);
        ScoringOutcome late = await child.ScoreAsync(Message(Envelope(transactions[1])), 0, Token);
        ScoringOutcome unreadable = await child.ScoreAsync(Message("rubbish, 💸"), long.MaxValue, Token);

        Assert.Equal((ScoringEnd.Committed, 1), (first.End, first.Counts.Written));
        Assert.Equal(ScoringEnd.LeaseLost, late.End);
        Assert.Equal((ScoringEnd.Committed, "neither base64 nor JSON"), (unreadable.End, unreadable.PoisonReason));
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        IReadOnlyList<TransactionResult?> rows = await new SqliteResultsStore(database).GetAsync(transactions, Token);
        Assert.Equal(TransactionStatus.Scored, Assert.Single(rows.OfType<TransactionResult>()).Status);
        Assert.Equal("rubbish, 💸", Assert.Single(await new SqlitePoisonStore(database, TimeProvider.System).ListAsync(Token)).Body);
    }

    [Fact]
    public async Task A_child_whose_parent_is_gone_ends_by_itself()
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [ProgramProcess.PathOf("ScoringWorker"), ScoringChild.Argument])
            {
                WorkingDirectory = _folder.Path,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            },
        };
        process.StartInfo.Environment["FinanceIngest__DataDirectory"] = _folder.Path;
        process.Start();
        Assert.Equal(ScoringChild.Ready, await process.StandardOutput.ReadLineAsync(Token));

        // The kernel closes this pipe when the parent is killed.
        process.StandardInput.Close();
        await process.WaitForExitAsync(Token);

        Assert.Equal(0, process.ExitCode);
    }

    [Fact]
    public async Task A_child_that_is_killed_with_a_message_in_hand_has_been_ended_by_it()
    {
        await using ChildProcess child = Shell("echo ready; read message; kill -9 $$");
        Assert.Null(await child.PrepareAsync(Token));

        ScoringOutcome outcome = await child.ScoreAsync(Message("a"), long.MaxValue, Token);

        Assert.Equal((ScoringEnd.EndedTheProcess, "it has ended the process that handled it (exit code 137)"), (outcome.End, outcome.Failure!.Reason));
    }

    [Fact]
    public async Task Only_a_child_that_has_seen_no_other_message_counts()
    {
        string marks = Path.Combine(_folder.Path, "starts");
        await using ChildProcess child = Shell($$"""
            echo start >>{{marks}}; echo ready; read message; echo '{"End":0}'; read message; kill -9 $$
            """);
        Assert.Null(await child.PrepareAsync(Token));

        ScoringOutcome first = await child.ScoreAsync(Message("a"), long.MaxValue, Token);
        ScoringOutcome second = await child.ScoreAsync(Message("b"), long.MaxValue, Token);

        Assert.Equal((ScoringEnd.Committed, ScoringEnd.Committed), (first.End, second.End));
        Assert.Equal(2, (await File.ReadAllLinesAsync(marks, Token)).Length);
    }

    [Fact]
    public async Task A_child_that_waits_for_others_too_long_is_ended_and_says_nothing_about_its_message()
    {
        var time = new FakeTimeProvider();
        string pid = Path.Combine(_folder.Path, "pid");
        await using ChildProcess child = Shell($"echo $$ >{pid}; echo ready; read message; exec sleep 600", time);
        Assert.Null(await child.PrepareAsync(Token));

        Task<ScoringOutcome> score = child.ScoreAsync(Message("a"), long.MaxValue, Token);
        time.Advance(Deadlines.IsolatedMessage);

        Assert.Equal(ScoringEnd.TookTooLong, (await score).End);
        Assert.Throws<ArgumentException>(() => Process.GetProcessById(int.Parse(File.ReadAllText(pid), System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task An_abandoned_child_is_ended()
    {
        using var abandon = new CancellationTokenSource();
        ChildProcess child = Shell("echo ready; read message; exec sleep 600");
        Assert.Null(await child.PrepareAsync(Token));
        Task<ScoringOutcome> score = child.ScoreAsync(Message("a"), long.MaxValue, abandon.Token);

        await abandon.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => score);
        await child.DisposeAsync();
    }

    [Theory]
    [InlineData("exit 2", "it exited before it was ready, with code 2")]
    [InlineData(null, "No such file or directory")]
    public async Task What_keeps_a_child_from_starting_is_said(string? script, string expected)
    {
        await using ChildProcess child = script is null
            ? new ChildProcess(new ProcessStartInfo(Path.Combine(_folder.Path, "none")), TimeProvider.System)
            : Shell(script);

        Assert.Contains(expected, await child.PrepareAsync(Token), StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();

    private static ChildProcess Shell(string script, TimeProvider? time = null) =>
        new(new ProcessStartInfo("/bin/sh", ["-c", script]), time ?? TimeProvider.System);

    private static string Envelope(Guid id) =>
        $$"""{"v":1,"transactions":[{"id":"{{id}}","user_id":1,"category_id":2,"amount":3}]}""";

    private static LeasedMessage Message(string text) =>
        new IsolatedMessage("m", text, DateTime.UtcNow.Ticks, 6, 0).ToMessage();
}
