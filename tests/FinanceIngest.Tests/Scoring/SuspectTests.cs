using FinanceIngest.Alerts;
using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

/// <summary>
/// Messages that were received very often are scored in isolation. An end of the isolated process counts against the message; an end of the worker does not.
/// </summary>
public sealed class SuspectTests : IDisposable
{
    private const string Killed = "it has ended the process that handled it (exit code 137)";
    private readonly ScoringHarness _system = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_message_that_ends_its_process_five_times_is_poison_and_its_transactions_are_failed()
    {
        Transaction[] transactions = [_system.Transaction(1), _system.Transaction(2)];
        LeasedMessage message = await SuspectAsync(transactions);
        _system.Isolation.EndsTheProcess = _ => Killed;

        for (int attempt = 1; attempt <= FailedMessages.MaximumAttempts; attempt++)
        {
            Assert.Equal(1, await _system.ProcessAsync());
            _system.Time.Advance(TimeSpan.FromSeconds(Math.Pow(2, attempt)));
        }

        PoisonMessage record = Assert.Single(await _system.PoisonStore.ListAsync(Token));
        Assert.Equal((message.Id, FailedMessages.MaximumAttempts, Killed), (record.MessageId, record.Attempts, record.Reason));
        Assert.Equal([message.Text], await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(Token)).Length);
        foreach (Transaction transaction in transactions)
        {
            // The worker finds the transaction's id by a plain search in the text, without parsing it, so the result has no amount.
            TransactionResult result = (await _system.ResultAsync(transaction.Id))!;
            Assert.Equal((TransactionStatus.Failed, null, Killed), (result.Status, result.Amount, result.Error));
        }
    }

    [Fact]
    public async Task A_worker_that_is_killed_with_its_child_counts_nothing()
    {
        Transaction transaction = _system.Transaction(1);
        LeasedMessage message = await SuspectAsync(transaction);
        for (int kill = 0; kill < 100; kill++)
        {
            // The worker ends while it scores the message, so nobody records what ended the child.
            _system.Isolation.EndsTheProcess = _ => throw new InvalidOperationException("killed");
            await Assert.ThrowsAsync<InvalidOperationException>(_system.ProcessAsync);
        }

        _system.Isolation.EndsTheProcess = _ => null;
        await _system.ProcessAsync();

        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
        Assert.Equal(1, await _system.PoisonStore.CountAttemptAsync(message.Id, "", Token));
    }

    [Fact]
    public async Task A_suspect_that_does_no_harm_is_scored_and_settled_by_the_witness()
    {
        await _system.AddBaselineAsync();
        Transaction anomaly = _system.Transaction(6000);
        await SuspectAsync(anomaly);

        await _system.ProcessAsync();

        Assert.True((await _system.ResultAsync(anomaly.Id))!.IsAnomaly);
        Assert.Equal(1, _system.Isolation.Handled);

        // The queue holds the marker of the unsent alert.
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(Token)).Length);
        Assert.True(await _system.Dispatcher.DrainAsync(Token));
    }

    [Fact]
    public async Task An_outage_seen_in_isolation_counts_against_no_message()
    {
        Transaction transaction = _system.Transaction(1);
        LeasedMessage message = await SuspectAsync(transaction);
        _system.Isolation.Instead = _ => new ScoringOutcome { End = ScoringEnd.DatabaseUnavailable, Failure = new ScoringFailure("down") };
        for (int i = 0; i < 10; i++)
        {
            await Assert.ThrowsAsync<StoreUnavailableException>(_system.ProcessAsync);
        }

        Assert.Equal(1, await _system.PoisonStore.CountAttemptAsync(message.Id, "", Token));
    }

    [Fact]
    public async Task What_took_too_long_comes_again_uncounted()
    {
        Transaction transaction = _system.Transaction(1);
        LeasedMessage message = await SuspectAsync(transaction);
        _system.Isolation.Instead = _ => new ScoringOutcome { End = ScoringEnd.TookTooLong, Failure = new ScoringFailure("slow") };
        await _system.ProcessAsync();
        Assert.Equal(0, await _system.ProcessAsync());
        _system.Time.Advance(TimeSpan.FromSeconds(10));
        _system.Isolation.Instead = _ => null;

        Assert.Equal(1, await _system.ProcessAsync());

        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
        Assert.Equal(1, await _system.PoisonStore.CountAttemptAsync(message.Id, "", Token));
    }

    [Fact]
    public async Task Without_isolation_suspects_are_handled_alone_within_the_process()
    {
        Transaction transaction = _system.Transaction(1);
        await SuspectAsync(transaction);
        _system.Isolation.Missing = "no more processes";

        await _system.ProcessAsync();

        Assert.Equal(0, _system.Isolation.Handled);
        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(transaction.Id))!.Status);
    }

    [Fact]
    public async Task A_suspect_that_fails_is_counted_like_any_other_and_keeps_what_could_be_read()
    {
        Transaction bad = _system.Transaction(13);
        Transaction good = _system.Transaction(14);
        await SuspectAsync(bad, good);
        _system.Store.FailOnAmount(bad.Amount.Units);
        for (int attempt = 1; attempt <= FailedMessages.MaximumAttempts; attempt++)
        {
            await _system.ProcessAsync();
            _system.Time.Advance(TimeSpan.FromSeconds(Math.Pow(2, attempt)));
        }

        TransactionResult failed = (await _system.ResultAsync(bad.Id))!;
        Assert.Equal((TransactionStatus.Failed, bad.Amount), (failed.Status, failed.Amount));
        Assert.Equal(TransactionStatus.Scored, (await _system.ResultAsync(good.Id))!.Status);
        PoisonMessage record = Assert.Single(await _system.PoisonStore.ListAsync(Token));
        Assert.Equal(FailedMessages.MaximumAttempts, record.Attempts);
        Assert.Contains("ArithmeticException", record.Exception, StringComparison.Ordinal);
        Assert.StartsWith("00-4bf92f", record.TraceParent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_read_in_isolation_is_poison_at_once()
    {
        await _system.Inbound.SendAsync("rubbish!", TimeSpan.Zero, Token);
        await AgeAsync();

        await _system.ProcessAsync();

        Assert.Equal(["rubbish!"], await ScoringHarness.TextsAsync(_system.Poison));
        Assert.Equal("neither base64 nor JSON", Assert.Single(await _system.PoisonStore.ListAsync(Token)).Reason);
    }

    [Fact]
    public async Task The_marker_of_unsent_alerts_is_no_suspect()
    {
        await _system.Inbound.SendAsync(AlertMarker.Text, TimeSpan.Zero, Token);
        await AgeAsync();

        await _system.ProcessAsync();

        Assert.Equal(0, _system.Isolation.Handled);
        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(Token)).Length);
    }

    public void Dispose() => _system.Dispose();

    private async Task<LeasedMessage> SuspectAsync(params Transaction[] transactions)
    {
        LeasedMessage message = await _system.SendAsync(transactions);
        await AgeAsync();
        return message;
    }

    private async Task AgeAsync()
    {
        for (int i = 0; i < BatchProcessor.SuspectAfter; i++)
        {
            await _system.ReceiveAndDieAsync();
        }
    }
}
