using System.IO.Compression;
using System.Text;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

/// <summary>What other programs put on the inbound queue is scored as over HTTP, or is poison with a reason that says what it is.</summary>
public sealed class OtherProducersTests
{
    private const string Bare = """{"user_id": 399, "category_id": 2310, "amount": 2500.5, "occurred_at": "2026-01-30T10:00:00+01:00"}""";

    private static readonly DateTime s_insertedAt = new(2026, 1, 31, 12, 0, 0, DateTimeKind.Utc);
    private static readonly IdCertifier s_ids = new("a signing key", new FakeTimeProvider(new DateTimeOffset(s_insertedAt)));
    private static readonly Guid s_derived = s_ids.ForMessage("transactions-inbound", "message", 0);

    public static TheoryData<string, string> Forms
    {
        get
        {
            string base64 = Convert.ToBase64String(Encoding.UTF8.GetBytes(Bare));
            return new TheoryData<string, string>
            {
                { "as it is", Bare },
                { "after a mark", "\uFEFF" + Bare },
                { "between lines", "\r\n " + Bare + "\n" },
                { "base64", base64 },
                { "a mark before the base64", "\uFEFF" + base64 },
                { "a mark in the base64", Convert.ToBase64String([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Bare)]) },
                { "two marks", "\uFEFF" + Convert.ToBase64String([0xEF, 0xBB, 0xBF, 0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Bare)]) },
                { "white space before the mark", Convert.ToBase64String([0x20, 0x0A, 0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Bare)]) },
                { "lines of base64", string.Join("\r\n", base64.Chunk(20).Select(line => new string(line))) },
                { "the URL's alphabet", base64.Replace('+', '-').Replace('/', '_') },
                { "no padding", Convert.ToBase64String(Encoding.UTF8.GetBytes(Bare + " ")).TrimEnd('=') },
                { "no padding, other length", Convert.ToBase64String(Encoding.UTF8.GetBytes(Bare + "  ")).TrimEnd('=') },
            };
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void A_bare_object_is_read_in_every_form_of_text(string form, string text)
    {
        Assert.NotEmpty(form);
        Assert.All([new MessageBody(text), MessageBody.Received(Encoding.UTF8.GetBytes(text))], body =>
        {
            Delivery read = Read(body);
            Assert.Null(read.PoisonReason);
            var expected = new Transaction(
                s_derived, 399, 2310, new Money(25_005_000), new DateTime(2026, 1, 30, 9, 0, 0, DateTimeKind.Utc), s_insertedAt);
            Assert.Equal([expected], read.Transactions);
        });
    }

    [Theory]
    [InlineData("\"id\": \"order-17\"")]
    [InlineData("\"id\": 17")]
    [InlineData("\"id\": \"0b9e3f0c-3c1f-4b53-9d0c-7f6a6f1b2a11\"")]
    [InlineData("\"id\": {\"a\": [1]}")]
    [InlineData("\"id\": 1, \"id\": 2")]
    [InlineData("\"id\": null")]
    [InlineData("\"ID\": 17, \"accepted_at\": \"1999-01-01T00:00:00Z\", \"idempotency_key\": \"k\"")]
    public void A_producers_own_fields_mean_nothing(string fields)
    {
        Delivery read = Read($$"""{{{fields}}, "user_id": 399, "category_id": 2310, "amount": "7"}""");

        Assert.Null(read.PoisonReason);
        Assert.Equal([new Transaction(s_derived, 399, 2310, new Money(70_000), s_insertedAt, s_insertedAt)], read.Transactions);
    }

    [Fact]
    public void Items_of_an_array_have_ids_of_their_own_and_a_bad_one_takes_none_along()
    {
        Delivery read = Read(
            """
            [{"id": 1, "user_id": 1, "category_id": 2, "amount": 3}, {"user_id": 1, "category_id": 2, "amount": "x"}, 7,
             {"user_id": 4, "category_id": 5, "amount": 6}]
            """);

        Assert.Equal([1L, 4L], read.Transactions.Select(transaction => transaction.UserId));
        Assert.Equal([Derived(0), Derived(3)], read.Transactions.Select(transaction => transaction.Id));
        Assert.Equal([(Guid?)Derived(1), null], read.Unreadable.Select(transaction => transaction.Id));
        Assert.StartsWith("transaction 1: amount", read.PoisonReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "the array holds no transaction")]
    [InlineData("[[]]", "transaction 0: $ must be an object")]
    [InlineData("""{"user_id": "399", "category_id": 2310, "amount": 1}""", "transaction 0: user_id must be an integer")]
    [InlineData("""{"user_id": 399, "category_id": 2310, "amount": 1, "amount": 2}""", "transaction 0: amount is given twice")]
    [InlineData("""{"user_id": 399, "category_id": 2310, "amount": "1.23456"}""", "transaction 0: amount must have at most four decimals")]
    [InlineData("""{"user_id": 399, "category_id": 2310, "amount": 1, "occurred_at": "2026-02-02T12:00:01Z"}""", "transaction 0: occurred_at must not be")]
    public void What_HTTP_refuses_is_refused(string text, string reason) =>
        Assert.StartsWith(reason, Read(text).PoisonReason, StringComparison.Ordinal);

    [Theory]
    [InlineData("19.990000000000002", 199_900)]
    [InlineData("0.30000000000000004", 3_000)]
    [InlineData("1.00005", 10_000)]
    [InlineData("1.00015", 10_002)]
    [InlineData("-1.00015", -10_002)]
    [InlineData("1.000150000000000000000000000000000000000000001", 10_002)]
    [InlineData("1.000250000000000000000000000000000000000000001", 10_003)]
    [InlineData("1e-400", 0)]
    [InlineData("922337203685477.58074", long.MaxValue)]
    public void A_floats_noise_is_rounded_half_to_even_in_a_bare_object_only(string number, long units)
    {
        string item = $$"""{"user_id": 399, "category_id": 2310, "amount": {{number}}}""";

        Assert.Equal(units, Assert.Single(Read(item).Transactions).Amount.Units);
        Assert.Contains("four decimals", Read($$"""{"v": 1, "transactions": [{{item}}]}""").PoisonReason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("922337203685477.58075")]
    [InlineData("1e400")]
    public void What_is_out_of_range_stays_so(string number) =>
        Assert.Contains("must be from", Read($$"""{"user_id": 399, "category_id": 2310, "amount": {{number}}}""").PoisonReason, StringComparison.Ordinal);

    [Fact]
    public void An_envelopes_id_without_certificate_stays_poison_and_a_certified_one_holds_in_a_bare_object_too()
    {
        Guid issued = s_ids.NewId();
        string Item(Guid id) => $$"""{"id": "{{id}}", "user_id": 399, "category_id": 2310, "amount": 1}""";

        Assert.Contains("was not issued", Read($$"""{"v": 1, "transactions": [{{Item(Guid.NewGuid())}}]}""").PoisonReason, StringComparison.Ordinal);
        Assert.Equal(issued, Assert.Single(Read($$"""{"v": 1, "unknown": {"a": []}, "transactions": [{{Item(issued)}}]}""").Transactions).Id);
        Assert.Equal(issued, Assert.Single(Read($"[{Item(issued)}]").Transactions).Id);
    }

    public static TheoryData<string, byte[]> Encodings => new()
    {
        { "UTF-16, little endian", Encoding.Unicode.GetBytes(Bare) },
        { "UTF-16, little endian", [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Bare)] },
        { "UTF-16, big endian", Encoding.BigEndianUnicode.GetBytes(Bare) },
        { "UTF-16, big endian", [.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(Bare)] },
        { "UTF-32, little endian", [.. Encoding.UTF32.Preamble, .. Encoding.UTF32.GetBytes(Bare)] },
        { "UTF-32, little endian", Encoding.UTF32.GetBytes(Bare) },
        { "gzip", Gzip(Bare) },
        { "zlib", Zlib(Bare) },
        { "base64 of base64", Encoding.ASCII.GetBytes(MessageText.Encode(Bare)) },
        { "JSON in a JSON string", Encoding.UTF8.GetBytes($"\"{Bare.Replace("\"", "\\\"", StringComparison.Ordinal)}\"") },
        { "XML", "<QueueMessage><MessageText/></QueueMessage>"u8.ToArray() },
        { "no UTF-8", [0xE9, (byte)'"', (byte)'a', (byte)'b', (byte)'c'] },
    };

    [Theory]
    [MemberData(nameof(Encodings))]
    public void Another_encoding_is_named(string name, byte[] bytes)
    {
        Delivery read = Read(Convert.ToBase64String(bytes));

        Assert.Contains(name, read.PoisonReason, StringComparison.Ordinal);
        Assert.Empty(read.Transactions);
        Assert.DoesNotContain("399", read.PoisonReason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_mark_that_was_read_as_another_encoding_is_named() =>
        Assert.Contains("Windows-1252", Read("\u00EF\u00BB\u00BF" + Bare).PoisonReason, StringComparison.Ordinal);

    [Theory]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-extra", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")]
    [InlineData("nonsense, with a secret in it", null)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\\r\\nSet-Cookie: x", null)]
    public void A_trace_context_is_taken_as_W3C_says_and_nonsense_is_dropped(string given, string? expected)
    {
        string text = $$"""{"v": 1, "traceparent": "{{given}}", "transactions": [{"user_id": 1, "category_id": 2, "amount": 3}]}""";
        var envelope = new EnvelopeBuilder(given);
        Assert.True(envelope.TryAdd(new Transaction(s_ids.NewId(), 1, 2, new Money(1), s_insertedAt, s_insertedAt)));

        Assert.Equal(expected, Read(text).TraceParent);
        Assert.Equal(expected, Read(MessageBody.Unpack(envelope.ToBody().Packed!)).TraceParent);
    }

    [Fact]
    public async Task Through_the_worker_all_of_it_becomes_rows_and_nothing_is_poison_but_the_bad_item()
    {
        using var system = new ScoringHarness();
        await system.AddBaselineAsync();
        LeasedMessage marked = await system.Inbound.SendAsync(
            Convert.ToBase64String([0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Bare)]), TimeSpan.Zero, default);
        LeasedMessage foreign = await system.Inbound.SendAsync(
            """{"id": "order-17", "user_id": 399, "category_id": 2310, "amount": 6000}""", TimeSpan.Zero, default);
        string bad = Bare.Replace("2500.5", "\"x\"", StringComparison.Ordinal);
        LeasedMessage array = await system.Inbound.SendAsync($"[{Bare}, {bad}]", TimeSpan.Zero, default);

        await system.ProcessAsync();

        Assert.Equal(TransactionStatus.Scored, (await system.ResultAsync(Id(marked, 0)))!.Status);
        Assert.True((await system.ResultAsync(Id(foreign, 0)))!.IsAnomaly);
        Assert.Equal(TransactionStatus.Scored, (await system.ResultAsync(Id(array, 0)))!.Status);
        Assert.Equal(TransactionStatus.Failed, (await system.ResultAsync(Id(array, 1)))!.Status);
        Assert.Equal(array.Id, Assert.Single(await system.PoisonStore.ListAsync(default)).MessageId);

        Guid Id(LeasedMessage message, int index) => system.Ids.ForMessage(system.Inbound.Name, message.Id, index);
    }

    [Fact]
    public void Erasure_finds_a_bare_item_under_the_id_of_its_row_and_the_others_keep_theirs()
    {
        string text = """[{"id": "order-1", "user_id": 1, "category_id": 2, "amount": 3}, {"id": "order-2", "user_id": 9, "category_id": 2, "amount": 3}]""";

        Redaction redaction = InboundRedaction.Without(text, 1, "transactions-inbound", "message", s_ids);

        Assert.Equal([Derived(0)], redaction.Removed);
        Transaction rest = Assert.Single(Read(Assert.Single(redaction.Remainder)).Transactions);
        Assert.Equal((Derived(1), 9L), (rest.Id, rest.UserId));
    }

    private static Guid Derived(int index) => s_ids.ForMessage("transactions-inbound", "message", index);

    private static Delivery Read(MessageBody body) => new EnvelopeReader("transactions-inbound", s_ids).Read(
        new Message { Id = "message", Body = body, InsertedAt = s_insertedAt, DequeueCount = 1 });

    private static byte[] Gzip(string text)
    {
        using var buffer = new MemoryStream();
        using (var gzip = new GZipStream(buffer, CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return buffer.ToArray();
    }

    private static byte[] Zlib(string text)
    {
        using var buffer = new MemoryStream();
        using (var zlib = new ZLibStream(buffer, CompressionLevel.Optimal))
        {
            zlib.Write(Encoding.UTF8.GetBytes(text));
        }

        return buffer.ToArray();
    }

    private sealed class Message : LeasedMessage
    {
        public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

        public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => Task.FromResult(true);
    }
}
