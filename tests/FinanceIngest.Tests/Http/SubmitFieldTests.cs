using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Http;

public abstract class SubmitFieldTests(HeadFixture head)
{
    private const string NotAnInteger = "must be an integer";
    private const string WithExponent = "must be an integer, written without decimals or exponent";
    private const string OutOfRange = "must be from 1 to 9223372036854775807";
    private const string NotATime = "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z";
    private const string TooLate = "must not be more than 24 hours in the future";

    [Theory]
    [InlineData("0", OutOfRange)]
    [InlineData("-1", OutOfRange)]
    [InlineData("9223372036854775808", OutOfRange)]
    [InlineData("99999999999999999999999999999999999999999", OutOfRange)]
    [InlineData("1.0", WithExponent)]
    [InlineData("1e3", WithExponent)]
    [InlineData("1e400", WithExponent)]
    [InlineData("\"5\"", NotAnInteger)]
    [InlineData("true", NotAnInteger)]
    [InlineData("[5]", NotAnInteger)]
    [InlineData("{}", NotAnInteger)]
    public async Task Other_ids_are_refused(string id, string message)
    {
        (await head.Client.SubmitAsync($$"""{"user_id": {{id}}, "category_id": 1, "amount": 1}""")).IsInvalid("user_id", message);
        (await head.Client.SubmitAsync($$"""{"user_id": 1, "category_id": {{id}}, "amount": 1}""")).IsInvalid("category_id", message);
    }

    [Fact]
    public async Task The_largest_id_is_taken()
    {
        Answer answer = await head.Client.ScoreAsync(Requests.Transaction(long.MaxValue, categoryId: long.MaxValue));
        Assert.Equal(long.MaxValue, answer.Json.GetProperty("user_id").GetInt64());
        Assert.Equal(long.MaxValue, answer.Json.GetProperty("category_id").GetInt64());
    }

    [Theory]
    [InlineData("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31T12:00:00+05:30", "2026-01-31T06:30:00.000000Z")]
    [InlineData("2026-01-31T12:00:00-00:00", "2026-01-31T12:00:00.000000Z")]
    [InlineData("2026-01-31t12:00:00.5z", "2026-01-31T12:00:00.500000Z")]
    [InlineData("2026-01-31 12:00:00.1234567Z", "2026-01-31T12:00:00.123456Z")]
    [InlineData("2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000000Z")]
    [InlineData("2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000000Z")]
    [InlineData("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z")]
    public async Task A_time_comes_back_in_UTC(string occurredAt, string stored) => Assert.Equal(
        stored, (await head.Client.ScoreAsync(Requests.Transaction(Requests.NewId(), more: $"\"occurred_at\": \"{occurredAt}\""))).String("occurred_at"));

    [Fact]
    public async Task Without_a_time_it_is_the_time_of_acceptance()
    {
        Answer answer = await head.Client.ScoreAsync(Requests.Transaction());
        Assert.Equal(answer.String("accepted_at"), answer.String("occurred_at"));
        Assert.True(string.CompareOrdinal(answer.String("accepted_at"), answer.String("scored_at")) <= 0);
    }

    [Theory]
    [InlineData("\"2026-01-31T12:00:00\"")]
    [InlineData("\"2026-01-31\"")]
    [InlineData("\"2026-02-30T12:00:00Z\"")]
    [InlineData("\"2025-02-29T12:00:00Z\"")]
    [InlineData("\"2026-01-31T24:00:00Z\"")]
    [InlineData("\"2026-01-31T12:00:00+0530\"")]
    [InlineData("\"2026-01-31T12:00:00+24:00\"")]
    [InlineData("\"2026-01-31T12:00:00.Z\"")]
    [InlineData("\"2026-1-31T12:00:00Z\"")]
    [InlineData("\"2026-W05-6T12:00:00Z\"")]
    [InlineData("\"0000-01-01T00:00:00Z\"")]
    [InlineData("\"0001-01-01T00:00:00+01:00\"")]
    [InlineData("\"yesterday\"")]
    [InlineData("\"\"")]
    [InlineData("\"\\ud800\"")]
    [InlineData("1769860800")]
    [InlineData("true")]
    [InlineData("[]")]
    public async Task Other_times_are_refused(string occurredAt) =>
        (await head.Client.SubmitAsync(Requests.Transaction(5, more: $"\"occurred_at\": {occurredAt}"))).IsInvalid("occurred_at", NotATime);

    [Fact]
    public async Task The_future_ends_after_24_hours()
    {
        DateTime tomorrow = DateTime.UtcNow.AddHours(24);
        string soon = $"\"occurred_at\": \"{Timestamp.ToText(tomorrow.AddMinutes(-5))}\"";
        string late = $"\"occurred_at\": \"{Timestamp.ToText(tomorrow.AddMinutes(5))}\"";
        (await head.Client.SubmitAsync(Requests.Transaction(Requests.NewId(), more: soon))).Is(202);
        (await head.Client.SubmitAsync(Requests.Transaction(5, more: late))).IsInvalid("occurred_at", TooLate);
        (await head.Client.SubmitAsync(Requests.Transaction(5, more: "\"occurred_at\": \"9999-12-31T23:59:59Z\""))).IsInvalid("occurred_at", TooLate);
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerSubmitFieldTests(ServerHead head) : SubmitFieldTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionSubmitFieldTests(FunctionHead head) : SubmitFieldTests(head);
