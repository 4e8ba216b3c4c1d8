using System.Text;
using FinanceIngest.Commands;
using FinanceIngest.Detection;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

/// <summary>Commands, histories and replacements in messages, also in those that an older worker or intake meets.</summary>
public sealed class CommandEnvelopeTests
{
    private const string Queue = "transactions-inbound";
    private static readonly IdCertifier s_ids = new("a signing key", new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56)));
    private static readonly DateTime s_at = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    private static readonly Command[] s_commands =
    [
        new FeedbackCommand(Guid.CreateVersion7(), s_at, s_ids.NewId(), FeedbackVerdict.Expected),
        new FeedbackCommand(Guid.CreateVersion7(), s_at, s_ids.NewId(), null),
        new WithdrawCommand(Guid.CreateVersion7(), s_at.AddTicks(10), s_ids.NewId()),
        new SensitivityCommand(Guid.CreateVersion7(), s_at, 399, 2310, AlertLevel.Never, new Money(125_000), s_at.AddDays(1)),
        new SensitivityCommand(Guid.CreateVersion7(), s_at, null, null, null, null, null),
        new EraseUserCommand(Guid.CreateVersion7(), s_at, long.MaxValue),
        new DestinationCommand(Guid.CreateVersion7(), s_at, 399, """{"type":"smtp","address":"a@finance.example"}"""),
        new RemoveDestinationCommand(Guid.CreateVersion7(), s_at, 399, Guid.CreateVersion7()),
    ];

    [Fact]
    public void Commands_are_read_as_they_were_written()
    {
        MessageBody body = BodyOf(s_commands);
        Assert.All([body, new MessageBody(body.Text)], form =>
        {
            Delivery read = Read(form);
            Assert.Null(read.PoisonReason);
            Assert.Empty(read.Transactions);
            Assert.Equal(s_commands, read.Commands);
        });
        Assert.Null(body.Packed);
        Assert.Equal(body.Text.Length, body.Length);
        Assert.Equal(0, TransactionCount.In(body));
        Assert.Equal(0, TransactionCount.In(body.Text));
    }

    [Fact]
    public void Commands_that_don_t_fit_go_into_the_next_message()
    {
        var envelope = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        while (envelope.TryAdd(new SensitivityCommand(Guid.CreateVersion7(), s_at, long.MaxValue, long.MaxValue, AlertLevel.Rarely, null, null)))
        {
            // The envelope takes commands until it is full.
        }

        Assert.InRange(envelope.ToBody().Text.Length, MessageText.MaximumLength - 400, MessageText.MaximumLength);
        Assert.Equal(envelope.Count, Read(envelope.ToBody().Text).Commands.Count);
    }

    [Fact]
    public void Commands_transactions_and_histories_are_never_in_one_message()
    {
        Transaction live = NewTransaction(), history = live with { IsHistory = true };
        AssertApart(builder => builder.TryAdd(live), builder => builder.TryAdd(s_commands[0]));
        AssertApart(builder => builder.TryAdd(s_commands[0]), builder => builder.TryAdd(live));
        AssertApart(builder => builder.TryAdd(live), builder => builder.TryAdd(history));
        AssertApart(builder => builder.TryAdd(history), builder => builder.TryAdd(live));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void A_history_and_what_is_replaced_survive_text_and_packing(bool isHistory, bool replaces)
    {
        Transaction[] transactions =
        [
            .. Enumerable.Range(0, 40).Select(i => NewTransaction() with { IsHistory = isHistory, Replaces = replaces && i % 3 == 0 ? s_ids.NewId() : null }),
        ];
        var builder = new EnvelopeBuilder("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        Assert.All(transactions, transaction => Assert.True(builder.TryAdd(transaction)));
        MessageBody body = builder.ToBody();
        var packed = MessageBody.Unpack(body.Packed!);

        Assert.Equal(isHistory || replaces ? 2 : 1, body.Packed![0]);
        Assert.Equal(transactions, Read(body).Transactions);
        Assert.Equal(transactions, Read(body.Text).Transactions);
        Assert.Equal(transactions, Read(packed).Transactions);
        Assert.Equal(body.Text, packed.Text);
        Assert.Equal(body.Text.Length, packed.Length);
    }

    [Fact]
    public void Packed_bytes_with_marks_that_were_damaged_anywhere_never_throw()
    {
        var builder = new EnvelopeBuilder(null);
        builder.TryAdd(NewTransaction() with { IsHistory = true, Replaces = s_ids.NewId() });
        byte[] whole = builder.ToBody().Packed!;
        for (int at = 0; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x80;
            Assert.All(Read(MessageBody.Unpack(damaged)).Transactions, transaction => Assert.True(s_ids.IsIssued(transaction.Id)));
            Assert.NotNull(Read(MessageBody.Unpack(whole[..at])).PoisonReason);
        }
    }

    // A program that does not know version 2 gives such a message up with its bytes in base64.
    [Fact]
    public void Packed_bytes_that_an_older_worker_gave_up_are_read_when_they_are_put_back()
    {
        Transaction transaction = NewTransaction() with { IsHistory = true };
        var builder = new EnvelopeBuilder(null);
        builder.TryAdd(transaction);
        Assert.Equal([transaction], Read(Convert.ToBase64String(builder.ToBody().Packed!)).Transactions);
    }

    // An older reader wants an array "transactions": without one the message is poison, which keeps it. With one it would take the commands for done.
    [Fact]
    public void An_older_worker_gives_a_message_of_commands_up_and_loses_none()
    {
        string json = Encoding.UTF8.GetString(Convert.FromBase64String(BodyOf(s_commands).Text));
        Assert.StartsWith("{\"v\":1,\"commands\":[", json, StringComparison.Ordinal);
        Assert.DoesNotContain("\"transactions\"", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"id":"x","kind":"withdraw","accepted_at":"2026-01-31T12:00:00Z","transaction_id":"x"}""", "id must be a UUID")]
    [InlineData("""{"kind":"dance"}""", "kind must be one of")]
    [InlineData("""{"kind":"erase_user"}""", "accepted_at is required")]
    [InlineData("""7""", "must be an object")]
    [InlineData("""{"kind":"erase_user","kind":"withdraw"}""", "kind is given twice")]
    [InlineData("""{"kind":"\ud800"}""", "kind must be one of")]
    public void A_command_that_can_t_be_read_is_poison_of_its_own(string command, string reason)
    {
        string good = Encoding.UTF8.GetString(CommandJson.Write(s_commands[0]).Span);
        Delivery read = Read($$"""{"v":1,"commands":[{{good}},{{command}},{{good}}]}""");
        Assert.Equal([s_commands[0], s_commands[0]], read.Commands);
        Assert.Contains("command 1: ", read.PoisonReason, StringComparison.Ordinal);
        Assert.Contains(reason, read.PoisonReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_about_a_transaction_that_was_never_issued_is_poison()
    {
        Delivery read = Read(BodyOf([new WithdrawCommand(Guid.CreateVersion7(), s_at, Guid.NewGuid())]));
        Assert.Empty(read.Commands);
        Assert.Contains("was not issued", read.PoisonReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"commands":{},"v":1}""", "no array")]
    [InlineData("""{"history":"yes","v":1,"transactions":[]}""", "neither true nor false")]
    [InlineData("""{"v":2,"commands":[]}""", "version 2")]
    public void An_envelope_of_another_form_is_poison(string json, string reason) =>
        Assert.Contains(reason, Read(json).PoisonReason, StringComparison.Ordinal);

    [Fact]
    public void The_fields_of_an_envelope_may_come_in_any_order()
    {
        string transaction = Encoding.UTF8.GetString(Convert.FromBase64String(TextOf(NewTransaction())))["{\"v\":1,\"transactions\":[".Length..^2];
        string command = Encoding.UTF8.GetString(CommandJson.Write(s_commands[0]).Span);
        Delivery read = Read($$"""{"commands":[{{command}}, 1],"history":true,"transactions":[{{transaction}}],"v":1}""");
        Assert.True(Assert.Single(read.Transactions).IsHistory);
        Assert.Single(read.Commands);
        Assert.Contains("command 1", read.PoisonReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_message_that_ends_the_process_fails_its_own_transactions_alone()
    {
        Transaction transaction = NewTransaction() with { Replaces = s_ids.NewId() };
        var builder = new EnvelopeBuilder(null);
        builder.TryAdd(transaction);
        var reader = new EnvelopeReader(Queue, s_ids);
        Assert.Equal(transaction.Id, Assert.Single(reader.FindIds(Message(builder.ToBody()), "x").Unreadable).Id);
        Assert.Empty(reader.FindIds(Message(BodyOf(s_commands)), "x").Unreadable);
    }

    [Fact]
    public void A_person_s_commands_are_taken_out_except_the_one_that_erases_the_person()
    {
        var erasure = new EraseUserCommand(Guid.CreateVersion7(), s_at, 399);
        string text = BodyOf([.. s_commands, erasure]).Text;
        Redaction redaction = InboundRedaction.Without(text, 399, Queue, "m", s_ids);
        Assert.True(redaction.IsConcerned);
        Assert.Empty(redaction.Removed);
        Assert.Equal(
            [.. s_commands.Where(command => command is FeedbackCommand or WithdrawCommand or EraseUserCommand or SensitivityCommand { UserId: null }), erasure],
            Read(Assert.Single(redaction.Remainder)).Commands);
        Assert.False(PersonSearch.StandsIn(redaction.Remainder[0], 2310));
        Assert.False(InboundRedaction.Without(text, 5, Queue, "m", s_ids).IsConcerned);

        Redaction whole = InboundRedaction.Without(BodyOf([s_commands[3]]).Text, 399, Queue, "m", s_ids);
        Assert.True(whole.IsConcerned);
        Assert.Empty(whole.Remainder);
    }

    [Fact]
    public void A_person_s_transactions_are_taken_out_of_a_message_that_has_commands_too()
    {
        string mine = ItemOf(NewTransaction()), other = ItemOf(NewTransaction() with { UserId = 5 });
        string command = Encoding.UTF8.GetString(CommandJson.Write(s_commands[2]).Span), own = Encoding.UTF8.GetString(CommandJson.Write(s_commands[3]).Span);
        string text = $$"""{"v":1,"history":true,"commands":[{{own}},{{command}}],"transactions":[{{mine}},{{other}}]}""";
        Redaction redaction = InboundRedaction.Without(text, 399, Queue, "m", s_ids);
        Delivery rest = Read(Assert.Single(redaction.Remainder));
        Assert.Equal(5, Assert.Single(rest.Transactions).UserId);
        Assert.True(rest.Transactions[0].IsHistory);
        Assert.Equal([s_commands[2]], rest.Commands);
        Assert.Single(redaction.Removed);
    }

    private static void AssertApart(Func<EnvelopeBuilder, bool> first, Func<EnvelopeBuilder, bool> second)
    {
        var builder = new EnvelopeBuilder(null);
        Assert.True(first(builder));
        Assert.False(second(builder));
        Assert.Equal(1, builder.Count);
    }

    private static string ItemOf(Transaction transaction) =>
        Encoding.UTF8.GetString(Convert.FromBase64String(TextOf(transaction)))["{\"v\":1,\"transactions\":[".Length..^2];

    private static string TextOf(Transaction transaction)
    {
        var builder = new EnvelopeBuilder(null);
        Assert.True(builder.TryAdd(transaction));
        return builder.ToBody().Text;
    }

    private static Transaction NewTransaction() => new(s_ids.NewId(), 399, 2310, new Money(60_000_000), s_at, s_at);

    private static MessageBody BodyOf(IEnumerable<Command> commands)
    {
        var builder = new EnvelopeBuilder(null);
        Assert.All(commands, command => Assert.True(builder.TryAdd(command)));
        return builder.ToBody();
    }

    private static Delivery Read(MessageBody body) => new EnvelopeReader(Queue, s_ids).Read(Message(body));

    private static AnyMessage Message(MessageBody body) => new() { Id = "m", Body = body, InsertedAt = s_at, DequeueCount = 1 };
}
