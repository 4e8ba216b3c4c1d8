using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Queueing;

/// <summary>The behaviour that the rest of the system relies on, whichever queue is in use.</summary>
public abstract class QueueContractTests
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_shortLease = TimeSpan.FromSeconds(1);

    /// <summary>Opens a queue that no other test uses.</summary>
    protected abstract Task<IMessageQueue> CreateAsync();

    /// <summary>Lets time pass for the queue.</summary>
    protected abstract Task PassAsync(TimeSpan time);

    [Fact]
    public async Task A_sent_message_is_received_as_it_was_sent()
    {
        IMessageQueue queue = await CreateAsync();
        string text = "{\"note\": \"<&> ₹ \\u0000 'quotes'\"}";
        LeasedMessage sent = await queue.SendAsync(text, TimeSpan.Zero, default);

        LeasedMessage received = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));

        Assert.Equal(text, received.Text);
        Assert.Equal(sent.Id, received.Id);
        Assert.Equal(1, received.DequeueCount);
        Assert.Equal(DateTimeKind.Utc, received.InsertedAt.Kind);
        Assert.InRange((received.InsertedAt - sent.InsertedAt).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Theory]
    [InlineData("eyJhIjoxfQ==")]
    [InlineData("eyJhIjoxfR==")] // the padding bits, which no decoder reads, are set
    [InlineData("eyJh Ijox\nfQ==")]
    [InlineData("eyJhIjoxfQ== ")]
    [InlineData("eyJhIjoxfQ")]
    [InlineData("AAAA")]
    [InlineData("====")]
    [InlineData("ключ")]
    public async Task A_text_is_received_exactly_as_it_was_sent_whatever_kind_of_base64_it_is(string text)
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync(text, TimeSpan.Zero, default);

        LeasedMessage received = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));

        Assert.Equal(text, received.Text);
        Assert.Equal(System.Text.Encoding.UTF8.GetByteCount(text), received.Body.Length);
        Assert.Equal(MessageText.TryDecode(text, out byte[] expected), received.Body.TryDecode(out byte[] decoded));
        Assert.Equal(expected, decoded);
    }

    [Fact]
    public async Task An_envelope_arrives_with_its_text_and_its_transactions()
    {
        IMessageQueue queue = await CreateAsync();
        var ids = new IdCertifier("a signing key", TimeProvider.System);
        DateTime acceptedAt = DateTime.UtcNow.Date;
        var envelope = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        Transaction[] transactions =
        [
            new(ids.NewId(), 399, 2310, new Money(60_000_001), acceptedAt.AddYears(-3), acceptedAt),
            new(ids.NewId(), long.MaxValue, 1, new Money(-long.MaxValue), DateTime.UnixEpoch.AddMicroseconds(-1), acceptedAt.AddMicroseconds(1)),
        ];
        Assert.All(transactions, transaction => Assert.True(envelope.TryAdd(transaction)));
        await queue.SendAsync(envelope.ToBody(), TimeSpan.Zero, default);

        Assert.Equal([envelope.ToBody().Text], await queue.PeekAsync(1, default));
        LeasedMessage received = Assert.Single(await queue.ReceiveAsync(1, s_lease, default));

        Assert.Equal(envelope.ToBody().Text, received.Text);
        Assert.Equal(received.Text.Length, received.Body.Length);
        Delivery content = new EnvelopeReader(queue.Name, ids).Read(received);
        Assert.Equal(transactions, content.Transactions);
        Assert.StartsWith("00-4bf92f", content.TraceParent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_largest_message_fits_and_a_larger_one_is_refused()
    {
        IMessageQueue queue = await CreateAsync();
        string largest = MessageText.Encode(new byte[MessageText.MaximumJsonLength]);
        Assert.Equal(MessageText.MaximumLength, largest.Length);

        await queue.SendAsync(largest, TimeSpan.Zero, default);

        Assert.Equal(largest, Assert.Single(await queue.ReceiveAsync(1, s_lease, default)).Text);
        await Assert.ThrowsAnyAsync<Exception>(() => queue.SendAsync(largest + "AAAA", TimeSpan.Zero, default));
    }

    [Fact]
    public async Task A_leased_message_is_invisible_until_its_lease_ends()
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync("one", TimeSpan.Zero, default);
        LeasedMessage first = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));
        Assert.Empty(await queue.ReceiveAsync(32, s_lease, default));

        Assert.True(await first.TryExtendAsync(s_shortLease, default));
        await PassAsync(s_shortLease + TimeSpan.FromMilliseconds(300));

        LeasedMessage second = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));
        Assert.Equal(first.Id, second.Id);
        Assert.Equal(2, second.DequeueCount);
        Assert.False(await first.TryDeleteAsync(default));
        Assert.False(await first.TryExtendAsync(s_lease, default));
        Assert.True(await second.TryDeleteAsync(default));
        Assert.Equal(0, (await queue.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_deleted_message_is_gone_and_a_second_delete_is_a_lost_lease()
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync("one", TimeSpan.Zero, default);
        LeasedMessage message = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));

        Assert.True(await message.TryDeleteAsync(default));
        Assert.False(await message.TryDeleteAsync(default));
        Assert.False(await message.TryExtendAsync(s_lease, default));
    }

    [Fact]
    public async Task A_message_given_back_is_visible_at_once_and_its_old_receipt_is_void()
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync("one", TimeSpan.Zero, default);
        LeasedMessage first = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));

        Assert.True(await first.TryExtendAsync(TimeSpan.Zero, default));

        LeasedMessage second = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));
        Assert.False(await first.TryDeleteAsync(default));
        Assert.True(await second.TryDeleteAsync(default));
    }

    [Fact]
    public async Task A_renewed_lease_holds_longer_and_goes_on_with_its_new_receipt()
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync("one", TimeSpan.Zero, default);
        LeasedMessage message = Assert.Single(await queue.ReceiveAsync(32, s_shortLease, default));

        Assert.True(await message.TryExtendAsync(s_lease, default));
        await PassAsync(s_shortLease + TimeSpan.FromMilliseconds(300));

        Assert.Empty(await queue.ReceiveAsync(32, s_lease, default));
        Assert.True(await message.TryDeleteAsync(default));
    }

    [Fact]
    public async Task A_delayed_message_counts_and_is_its_senders_until_it_is_visible()
    {
        IMessageQueue queue = await CreateAsync();
        LeasedMessage delayed = await queue.SendAsync("later", TimeSpan.FromSeconds(30), default);
        Assert.Empty(await queue.ReceiveAsync(32, s_lease, default));
        Assert.Equal(1, (await queue.GetDepthAsync(default)).Length);

        Assert.True(await delayed.TryExtendAsync(s_shortLease, default));
        await PassAsync(s_shortLease + TimeSpan.FromMilliseconds(300));

        LeasedMessage received = Assert.Single(await queue.ReceiveAsync(32, s_lease, default));
        Assert.False(await delayed.TryDeleteAsync(default));
        Assert.True(await received.TryDeleteAsync(default));
    }

    [Fact]
    public async Task Receives_at_most_what_was_asked_and_everything_in_the_end()
    {
        IMessageQueue queue = await CreateAsync();
        await Task.WhenAll(Enumerable.Range(0, 40).Select(i => queue.SendAsync($"message {i}", TimeSpan.Zero, default)));

        IReadOnlyList<LeasedMessage> first = await queue.ReceiveAsync(32, s_lease, default);
        IReadOnlyList<LeasedMessage> second = await queue.ReceiveAsync(32, s_lease, default);

        Assert.Equal(32, first.Count);
        Assert.Equal(8, second.Count);
        Assert.Equal(40, first.Concat(second).Select(message => message.Text).Distinct().Count());
        Assert.Equal(40, (await queue.GetDepthAsync(default)).Length);
        bool[] deleted = await Task.WhenAll(first.Concat(second).Select(message => message.TryDeleteAsync(default)));
        Assert.DoesNotContain(false, deleted);
        Assert.Equal(default, await queue.GetDepthAsync(default));
    }

    [Fact]
    public async Task Peeking_shows_visible_messages_and_takes_none()
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync("one", TimeSpan.Zero, default);
        await queue.SendAsync("later", TimeSpan.FromSeconds(30), default);

        Assert.Equal(["one"], await queue.PeekAsync(32, default));
        Assert.Equal(["one"], await queue.PeekAsync(32, default));
        Assert.Equal(1, Assert.Single(await queue.ReceiveAsync(32, s_lease, default)).DequeueCount);
        Assert.Empty(await queue.PeekAsync(32, default));
    }

    [Fact]
    public async Task No_message_goes_to_two_receivers_at_once()
    {
        IMessageQueue queue = await CreateAsync();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => queue.SendAsync($"message {i}", TimeSpan.Zero, default)));

        IReadOnlyList<LeasedMessage>[] received = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(_ => Task.Run(() => queue.ReceiveAsync(16, s_lease, default))));

        List<string> ids = [.. received.SelectMany(messages => messages).Select(message => message.Id)];
        Assert.Equal(ids.Count, ids.Distinct().Count());
        Assert.Equal(100, ids.Count);
    }

    [Fact]
    public async Task Making_it_twice_keeps_its_messages_and_it_answers_a_probe()
    {
        IMessageQueue queue = await CreateAsync();
        LeasedMessage sent = await queue.SendAsync("one", TimeSpan.Zero, default);

        await queue.EnsureExistsAsync(default);
        await queue.ProbeAsync(default);

        QueueDepth depth = await queue.GetDepthAsync(default);
        Assert.Equal(1, depth.Length);
        Assert.InRange((depth.Oldest!.Value - sent.InsertedAt).Duration(), TimeSpan.Zero, TimeSpan.FromSeconds(2));
    }

    [Fact]
    public async Task The_oldest_message_is_one_that_can_be_seen()
    {
        IMessageQueue queue = await CreateAsync();
        await queue.SendAsync("one", TimeSpan.Zero, default);
        await queue.SendAsync("delayed", TimeSpan.FromSeconds(60), default);
        Assert.NotNull((await queue.GetDepthAsync(default)).Oldest);

        Assert.Single(await queue.ReceiveAsync(32, TimeSpan.FromSeconds(30), default));

        Assert.Equal(new QueueDepth(2, null), await queue.GetDepthAsync(default));
    }
}
