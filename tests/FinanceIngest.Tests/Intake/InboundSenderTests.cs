using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Intake;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Intake;

/// <summary>Group commit: when each request is answered, and which requests a failed send fails.</summary>
public sealed class InboundSenderTests
{
    private static readonly IdCertifier s_ids = new("a signing key", TimeProvider.System);

    [Fact]
    public async Task A_lone_request_is_sent_at_once_and_answered_only_when_its_message_is_durable()
    {
        var queue = new HeldQueue();
        await using InboundSender sender = NewSender(queue);

        Task<Exception?[]?> answer = sender.SendAsync([Transaction()]);
        HeldQueue.Send send = await queue.NextAsync();

        Assert.False(answer.IsCompleted);
        send.Succeed();
        Assert.Null(await answer);
        Assert.Equal(1, sender.SentMessages);
    }

    [Fact]
    public async Task While_a_send_is_under_way_requests_gather_into_the_next_message()
    {
        var queue = new HeldQueue();
        await using InboundSender sender = NewSender(queue);
        Task<Exception?[]?> first = sender.SendAsync([Transaction()]);
        HeldQueue.Send firstSend = await queue.NextAsync();
        Task<Exception?[]?>[] others = [.. Enumerable.Range(0, 50).Select(_ => sender.SendAsync([Transaction()]))];

        firstSend.Succeed();
        HeldQueue.Send secondSend = await queue.NextAsync();
        secondSend.Succeed();

        Assert.Null(await first);
        Assert.All(await Task.WhenAll(others), Assert.Null);
        Assert.Equal((1, 50), (firstSend.Count, secondSend.Count));
    }

    [Fact]
    public async Task A_failed_send_fails_exactly_its_requests()
    {
        var queue = new HeldQueue();
        await using InboundSender sender = NewSender(queue);
        Task<Exception?[]?> first = sender.SendAsync([Transaction()]);
        HeldQueue.Send firstSend = await queue.NextAsync();
        Task<Exception?[]?> second = sender.SendAsync([Transaction(), Transaction()]);

        firstSend.Fail();
        (await queue.NextAsync()).Succeed();

        Assert.IsType<QueueUnavailableException>(Assert.Single((await first)!));
        Assert.Null(await second);
    }

    [Fact]
    public async Task A_large_batch_is_spread_over_messages_that_travel_side_by_side_and_fail_by_themselves()
    {
        var queue = new HeldQueue();
        await using InboundSender sender = NewSender(queue);
        Transaction[] transactions = [.. Enumerable.Range(0, 700).Select(_ => Transaction())];

        Task<Exception?[]?> answer = sender.SendAsync(transactions);
        HeldQueue.Send one = await queue.NextAsync();
        HeldQueue.Send two = await queue.NextAsync();
        one.Succeed();
        two.Fail();
        HeldQueue.Send rest = await queue.NextAsync();
        rest.Succeed();

        Exception?[]? failures = await answer;
        Assert.Equal(700, one.Count + two.Count + rest.Count);
        Assert.Equal(two.Count, failures!.Count(failure => failure is not null));
        Assert.All(failures![one.Count..(one.Count + two.Count)], Assert.NotNull);
    }

    [Fact]
    public async Task More_than_the_process_can_hold_is_refused_and_later_taken_again()
    {
        var queue = new HeldQueue();
        await using InboundSender sender = NewSender(queue);
        Transaction transaction = Transaction();
        Transaction[] tooMany = [.. Enumerable.Repeat(transaction, 200_001)];

        await Assert.ThrowsAsync<IntakeOverloadedException>(() => sender.SendAsync(tooMany));

        Task<Exception?[]?> answer = sender.SendAsync([transaction]);
        (await queue.NextAsync()).Succeed();
        Assert.Null(await answer);
    }

    [Fact]
    public async Task The_end_of_the_process_waits_for_what_was_handed_in()
    {
        var queue = new HeldQueue();
        InboundSender sender = NewSender(queue);
        Task<Exception?[]?> answer = sender.SendAsync([Transaction()]);
        HeldQueue.Send send = await queue.NextAsync();

        Task end = sender.DisposeAsync().AsTask();
        Assert.False(end.IsCompleted);
        send.Succeed();
        await end;

        Assert.Null(await answer);
        await Assert.ThrowsAsync<IntakeOverloadedException>(() => sender.SendAsync([Transaction()]));
    }

    [Fact]
    public async Task Whatever_is_handed_in_while_it_ends_is_answered_or_refused()
    {
        for (int run = 0; run < 50; run++)
        {
            var queue = new HeldQueue();
            InboundSender sender = NewSender(queue);
            using var stop = new CancellationTokenSource();
            Task answering = AnswerAsync(queue, stop.Token);
            Task<(int Sent, int Durable)>[] clients = [.. Enumerable.Range(0, 8).Select(_ => Task.Run(() => SendUntilRefusedAsync(sender)))];
            (await queue.NextAsync()).Succeed();

            await sender.DisposeAsync();
            (int Sent, int Durable)[] outcomes = await Task.WhenAll(clients);
            await stop.CancelAsync();
            await answering;

            Assert.All(outcomes, outcome => Assert.Equal(outcome.Sent, outcome.Durable));
            Assert.True(outcomes.Sum(outcome => outcome.Sent) > 0);
        }
    }

    [Fact]
    public async Task A_send_that_hangs_fails_its_requests_after_its_time()
    {
        var time = new FakeTimeProvider();
        var queue = new HeldQueue();
        await using InboundSender sender = NewSender(queue, time, CancellationToken.None);
        Task<Exception?[]?> answer = sender.SendAsync([Transaction()]);
        await queue.NextAsync();

        time.Advance(Deadlines.Send - TimeSpan.FromTicks(1));
        Assert.False(answer.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));

        Assert.IsType<TimeoutException>(Assert.Single((await answer)!));
    }

    [Fact]
    public async Task A_stop_answers_every_request_in_time_though_the_queue_hangs()
    {
        var time = new FakeTimeProvider();
        var queue = new HeldQueue();
        using var stopping = new CancellationTokenSource();
        InboundSender sender = NewSender(queue, time, stopping.Token);
        Task<Exception?[]?> sending = sender.SendAsync([Transaction()]);
        HeldQueue.Send send = await queue.NextAsync();
        Task<Exception?[]?> gathering = sender.SendAsync([Transaction(), Transaction()]);

        await stopping.CancelAsync();
        time.Advance(Deadlines.FinishInHand - TimeSpan.FromTicks(1));
        Assert.False(sending.IsCompleted || gathering.IsCompleted);
        time.Advance(TimeSpan.FromTicks(1));

        Assert.All((await sending)!, failure => Assert.IsType<TimeoutException>(failure));
        Assert.All((await gathering)!, failure => Assert.IsType<TimeoutException>(failure));
        Assert.NotNull(await sender.SendAsync([Transaction()]));
        await sender.DisposeAsync();

        // A transaction that was refused while it waited for its send never reaches the queue.
        send.Succeed();
        Assert.Equal((0, 0), (queue.Waiting, sender.SentMessages));
    }

    [Fact]
    public async Task During_a_stop_what_the_queue_takes_is_acknowledged()
    {
        var time = new FakeTimeProvider();
        var queue = new HeldQueue();
        using var stopping = new CancellationTokenSource();
        await using InboundSender sender = NewSender(queue, time, stopping.Token);
        Task<Exception?[]?> before = sender.SendAsync([Transaction()]);
        HeldQueue.Send first = await queue.NextAsync();

        await stopping.CancelAsync();
        time.Advance(Deadlines.FinishInHand / 2);
        Task<Exception?[]?> after = sender.SendAsync([Transaction()]);
        first.Succeed();
        (await queue.NextAsync()).Succeed();

        Assert.Null(await before);
        Assert.Null(await after);
    }

    [Fact]
    public async Task The_end_of_a_process_that_was_not_stopped_has_a_bound_too()
    {
        var time = new FakeTimeProvider();
        var queue = new HeldQueue();
        InboundSender sender = NewSender(queue, time, CancellationToken.None);
        Task<Exception?[]?> answer = sender.SendAsync([Transaction()]);
        await queue.NextAsync();

        Task end = sender.DisposeAsync().AsTask();
        time.Advance(Deadlines.FinishInHand);
        await end;

        Assert.NotNull(await answer);
    }

    private static async Task AnswerAsync(HeldQueue queue, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (await queue.NextAsync(cancellationToken) is { } send)
            {
                send.Succeed();
            }
        }
    }

    private static async Task<(int Sent, int Durable)> SendUntilRefusedAsync(InboundSender sender)
    {
        int sent = 0;
        int durable = 0;
        try
        {
            while (true)
            {
                Task<Exception?[]?> answer = sender.SendAsync([Transaction(), Transaction()]);
                sent += answer.IsFaulted ? 0 : 1;
                durable += await answer is null ? 1 : 0;
            }
        }
        catch (IntakeOverloadedException)
        {
            return (sent, durable);
        }
    }

    private static InboundSender NewSender(IMessageQueue queue) => NewSender(queue, TimeProvider.System, CancellationToken.None);

    private static InboundSender NewSender(IMessageQueue queue, TimeProvider time, CancellationToken stopping) =>
        new(queue, TestTelemetry.Create(time), time, NullLogger<InboundSender>.Instance, stopping);

    private static Transaction Transaction() => new(s_ids.NewId(), 399, 2310, new Money(1), DateTime.UnixEpoch, DateTime.UnixEpoch);
}
