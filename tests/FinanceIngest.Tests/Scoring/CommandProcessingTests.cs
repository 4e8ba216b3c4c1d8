using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

/// <summary>Commands on their way from the queue to their effect, under crashes, redelivery and messages that can't be read.</summary>
public sealed class CommandProcessingTests : IDisposable
{
    private readonly ScoringHarness _harness = new();

    [Fact]
    public async Task A_crash_between_commit_and_deletion_does_no_harm()
    {
        Transaction transaction = await ScoredAsync(6000);
        await SendAsync(new FeedbackCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), transaction.Id, FeedbackVerdict.Expected));
        _harness.Store.AfterWrite = _ => FaultingScoringStore.Outage;
        await Assert.ThrowsAnyAsync<Exception>(_harness.ProcessAsync);
        Assert.Equal(FeedbackVerdict.Expected, (await _harness.ResultAsync(transaction.Id))!.Verdict);

        _harness.Store.AfterWrite = _ => null;
        _harness.Time.Advance(TimeSpan.FromMinutes(1));
        await SendAsync(new FeedbackCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), transaction.Id, null));
        await _harness.ProcessAsync();
        Assert.Null((await _harness.ResultAsync(transaction.Id))!.Verdict);

        // The marker of unsent alerts alone is left.
        Assert.Equal(1, (await _harness.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_write_that_ends_in_the_middle_leaves_nothing_of_its_commands()
    {
        Transaction transaction = await ScoredAsync(6000);
        Transaction next = _harness.Transaction(6000) with { Replaces = transaction.Id };
        await _harness.SendAsync(next);
        await SendAsync(new SensitivityCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), 399, null, AlertLevel.Never, null, null));
        _harness.Store.InsideWrite = () => throw FaultingScoringStore.Outage;
        await Assert.ThrowsAnyAsync<Exception>(_harness.ProcessAsync);
        Assert.Equal(TransactionStatus.Scored, (await _harness.ResultAsync(transaction.Id))!.Status);
        Assert.Null(await _harness.ResultAsync(next.Id));
        Assert.Empty(await _harness.Progress.ReadPageAsync(null, null, null, 10, _harness.Time.UtcNowMicroseconds(), default));

        _harness.Store.InsideWrite = null;
        _harness.Time.Advance(TimeSpan.FromMinutes(1));
        await _harness.ProcessAsync();
        Assert.Equal(TransactionStatus.Purged, (await _harness.ResultAsync(transaction.Id))!.Status);
        Assert.Equal(TransactionStatus.Scored, (await _harness.ResultAsync(next.Id))!.Status);
        Assert.Single(await _harness.Progress.ReadPageAsync(null, null, null, 10, _harness.Time.UtcNowMicroseconds(), default));
    }

    [Fact]
    public async Task Commands_that_come_the_wrong_way_round_hold_as_they_were_accepted()
    {
        Transaction transaction = await ScoredAsync(6000);
        DateTime at = _harness.Time.UtcNowMicroseconds();
        await SendAsync(new FeedbackCommand(Guid.CreateVersion7(), at.AddSeconds(2), transaction.Id, FeedbackVerdict.Unexpected));
        await _harness.ProcessAsync();
        await SendAsync(new FeedbackCommand(Guid.CreateVersion7(), at.AddSeconds(1), transaction.Id, FeedbackVerdict.Expected));
        await _harness.ProcessAsync();
        Assert.Equal(FeedbackVerdict.Unexpected, (await _harness.ResultAsync(transaction.Id))!.Verdict);
    }

    [Fact]
    public async Task A_withdrawal_that_overtakes_its_transaction_buries_it()
    {
        await _harness.AddBaselineAsync();
        Transaction transaction = _harness.Transaction(6000);
        await SendAsync(new WithdrawCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), transaction.Id));
        await _harness.ProcessAsync();
        await _harness.SendAsync(transaction);
        await _harness.ProcessAsync();
        Assert.Equal(TransactionStatus.Purged, (await _harness.ResultAsync(transaction.Id))!.Status);
        Assert.Equal(0, await _harness.Outbox.CountUnsentAsync(default));
    }

    [Fact]
    public async Task A_command_that_can_t_be_read_goes_to_the_poison_queue_and_its_neighbours_are_carried_out()
    {
        Transaction transaction = await ScoredAsync(6000);
        string good = System.Text.Encoding.UTF8.GetString(CommandJson.Write(
            new FeedbackCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), transaction.Id, FeedbackVerdict.Expected)).Span);
        string text = MessageText.Encode($$"""{"v":1,"commands":[{"id":"x","kind":"dance"},{{good}}]}""");
        await _harness.Inbound.SendAsync(text, TimeSpan.Zero, default);
        await _harness.ProcessAsync();

        Assert.Equal(FeedbackVerdict.Expected, (await _harness.ResultAsync(transaction.Id))!.Verdict);
        Assert.Equal([text], await ScoringHarness.TextsAsync(_harness.Poison));

        // The marker of unsent alerts alone is left.
        Assert.Equal(1, (await _harness.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_history_is_scored_and_alerts_nobody()
    {
        await _harness.AddBaselineAsync();
        Transaction history = _harness.Transaction(6000) with { IsHistory = true }, live = _harness.Transaction(6000);
        await _harness.SendAsync(history);
        await _harness.SendAsync(live);
        await _harness.ProcessAsync();

        TransactionResult result = (await _harness.ResultAsync(history.Id))!;
        Assert.True(result.IsAnomaly);
        Assert.Equal((AlertState.Suppressed, Preferences.AlertSuppression.History), (result.Alert, result.SuppressedBy!.Value));
        Assert.Equal(AlertState.Queued, (await _harness.ResultAsync(live.Id))!.Alert);
        Assert.Equal(1, await _harness.Outbox.CountUnsentAsync(default));
    }

    [Theory]
    [InlineData("never", 6000, "suppressed")]
    [InlineData("rarely", 3600, "suppressed")]
    [InlineData("rarely", 3700, "queued")]
    [InlineData("normal", 3600, "queued")]
    [InlineData("normal", 3300, null)]
    [InlineData("often", 3300, "queued")]
    [InlineData("often", 3200, null)]
    public async Task A_level_moves_the_alert_and_never_the_anomaly(string level, long amount, string? expected)
    {
        await SendAsync(new SensitivityCommand(
            Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), 399, null, CommandNames.ToLevel(level), null, null));
        await _harness.ProcessAsync();
        TransactionResult result = (await _harness.ResultAsync((await ScoredAsync(amount)).Id))!;
        Assert.Equal(amount > 3500, result.IsAnomaly);
        Assert.Equal(expected, result.Alert is { } alert ? Names.Of(alert) : null);
        Assert.Equal(expected == "queued" ? 1 : 0, await _harness.Outbox.CountUnsentAsync(default));
    }

    [Fact]
    public async Task A_snooze_and_a_minimum_amount_say_that_it_was_they()
    {
        DateTime now = _harness.Time.UtcNowMicroseconds();
        await SendAsync(new SensitivityCommand(Guid.CreateVersion7(), now, 399, null, AlertLevel.Normal, new Money(7000 * Money.Scale), null));
        await _harness.ProcessAsync();
        Assert.Equal(Preferences.AlertSuppression.MinimumAmount, (await _harness.ResultAsync((await ScoredAsync(6000)).Id))!.SuppressedBy);
        Assert.Equal(AlertState.Queued, (await _harness.ResultAsync((await ScoredAsync(7000)).Id))!.Alert);

        await SendAsync(new SensitivityCommand(Guid.CreateVersion7(), now.AddSeconds(1), 399, 2310, AlertLevel.Never, null, now.AddDays(1)));
        await _harness.ProcessAsync();
        Assert.Equal(Preferences.AlertSuppression.Snooze, (await _harness.ResultAsync((await ScoredAsync(8000)).Id))!.SuppressedBy);
        _harness.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(AlertState.Queued, (await _harness.ResultAsync((await ScoredAsync(9000)).Id))!.Alert);
    }

    [Fact]
    public async Task A_person_is_erased_once_however_often_the_command_comes()
    {
        Transaction before = await ScoredAsync(6000);
        var command = new EraseUserCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), 399);
        _harness.Time.Advance(TimeSpan.FromSeconds(1));
        Transaction late = before with { Id = _harness.Ids.NewId() };
        Transaction after = _harness.Transaction(2500);
        await _harness.SendAsync(after);
        await SendAsync(command);
        await SendAsync(command);
        await _harness.ProcessAsync();
        await SendAsync(command);
        await _harness.SendAsync(late);
        await _harness.ProcessAsync();

        Assert.Equal(TransactionStatus.Purged, (await _harness.ResultAsync(before.Id))!.Status);
        Assert.Equal(TransactionStatus.Purged, (await _harness.ResultAsync(late.Id))!.Status);
        Assert.Equal(TransactionStatus.Scored, (await _harness.ResultAsync(after.Id))!.Status);
        Assert.NotNull((await _harness.Progress.FindErasureAsync(399, default))!.CompletedAt);

        // The marker of unsent alerts alone is left.
        Assert.Equal(1, (await _harness.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task An_erasure_that_is_cut_off_after_its_marker_is_finished_when_the_command_comes_again()
    {
        Transaction before = await ScoredAsync(6000);
        await SendAsync(new EraseUserCommand(Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), 399));
        _harness.Store.AfterWrite = _ => FaultingScoringStore.Outage;
        await Assert.ThrowsAnyAsync<Exception>(_harness.ProcessAsync);
        Assert.Null((await _harness.Progress.FindErasureAsync(399, default))!.CompletedAt);
        Assert.Equal(TransactionStatus.Scored, (await _harness.ResultAsync(before.Id))!.Status);

        _harness.Store.AfterWrite = _ => null;
        _harness.Time.Advance(TimeSpan.FromMinutes(1));
        await _harness.ProcessAsync();
        Assert.Equal(TransactionStatus.Purged, (await _harness.ResultAsync(before.Id))!.Status);
        Assert.NotNull((await _harness.Progress.FindErasureAsync(399, default))!.CompletedAt);
    }

    [Fact]
    public async Task An_address_is_added_and_taken_back_however_often_the_messages_come()
    {
        DateTime at = _harness.Time.UtcNowMicroseconds();
        var one = new DestinationCommand(Guid.CreateVersion7(), at, 399, """{"type":"smtp","address":"one@home.example"}""");
        var two = new DestinationCommand(Guid.CreateVersion7(), at.AddSeconds(1), 399, """{"type":"smtp","address":"two@home.example"}""");
        var removal = new RemoveDestinationCommand(Guid.CreateVersion7(), at.AddSeconds(2), 399, one.Id);
        await SendAsync(removal, two);
        await _harness.ProcessAsync();
        await SendAsync(one);
        await SendAsync(two);
        await _harness.ProcessAsync();
        Assert.Equal(two.Id, Assert.Single(await _harness.Destinations.ListAsync([399], default)).Id);
        Assert.True(await _harness.Progress.AreCarriedOutAsync([one, two, removal], default));
        Assert.Equal(0, (await _harness.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task An_address_whose_batch_is_cut_off_after_its_commit_is_added_when_the_message_comes_again()
    {
        var command = new DestinationCommand(
            Guid.CreateVersion7(), _harness.Time.UtcNowMicroseconds(), 399, """{"type":"smtp","address":"one@home.example"}""");
        await SendAsync(command);
        _harness.Store.AfterWrite = _ => FaultingScoringStore.Outage;
        await Assert.ThrowsAnyAsync<Exception>(_harness.ProcessAsync);
        Assert.Empty(await _harness.Destinations.ListAsync([399], default));

        _harness.Store.AfterWrite = _ => null;
        _harness.Time.Advance(TimeSpan.FromMinutes(1));
        await _harness.ProcessAsync();
        Assert.Equal(command.Id, Assert.Single(await _harness.Destinations.ListAsync([399], default)).Id);
    }

    [Fact]
    public async Task An_erasure_takes_the_addresses_before_it_and_leaves_those_after_it_in_one_batch()
    {
        DateTime at = _harness.Time.UtcNowMicroseconds();
        var before = new DestinationCommand(Guid.CreateVersion7(), at, 399, """{"type":"smtp","address":"one@home.example"}""");
        var after = new DestinationCommand(Guid.CreateVersion7(), at.AddSeconds(2), 399, """{"type":"smtp","address":"two@home.example"}""");
        await SendAsync(after, before, new EraseUserCommand(Guid.CreateVersion7(), at.AddSeconds(1), 399));
        await _harness.ProcessAsync();
        await SendAsync(before);
        await _harness.ProcessAsync();
        Assert.Equal(after.Id, Assert.Single(await _harness.Destinations.ListAsync([399], default)).Id);
    }

    public void Dispose() => _harness.Dispose();

    private async Task<Transaction> ScoredAsync(long amount)
    {
        await _harness.AddBaselineAsync();
        Transaction transaction = _harness.Transaction(amount);
        await _harness.SendAsync(transaction);
        await _harness.ProcessAsync();
        return transaction;
    }

    private Task<LeasedMessage> SendAsync(params Command[] commands)
    {
        var envelope = new EnvelopeBuilder(null);
        Assert.All(commands, command => Assert.True(envelope.TryAdd(command)));
        return _harness.Inbound.SendAsync(envelope.ToBody(), TimeSpan.Zero, default);
    }
}
