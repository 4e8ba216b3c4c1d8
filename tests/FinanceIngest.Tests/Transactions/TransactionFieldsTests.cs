using System.Text;
using System.Text.Json;
using CsCheck;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Transactions;

public sealed class TransactionFieldsTests
{
    private static readonly Gen<string> s_jsonScalar = Gen.OneOf(
        Gen.Const("null"),
        Gen.Const("true"),
        Gen.Long.Select(value => JsonSerializer.Serialize(value)),
        Gen.Double.Where(double.IsFinite).Select(value => JsonSerializer.Serialize(value)),
        Gen.String.Select(value => JsonSerializer.Serialize(value)),
        Gen.Const("[]"),
        Gen.Const("{\"user_id\":1}"),
        Gen.Const("1e400"),
        Gen.Const("-0.0000"));

    private static readonly string[] s_names =
        ["user_id", "category_id", "amount", "occurred_at", "idempotency_key", "id", "accepted_at", "other", "\\u0061mount"];

    [Fact]
    public void Reads_all_fields()
    {
        TransactionFields fields = Read("""
            {"note": {"deep": [1]}, "user_id": 9223372036854775807, "category_id": 2310, "amount": "25000.00",
             "occurred_at": "2026-01-31T12:00:00+05:30", "idempotency_key": "k"}
            """);
        Assert.Null(fields.Errors);
        Assert.Equal(long.MaxValue, fields.UserId);
        Assert.Equal(2310, fields.CategoryId);
        Assert.Equal(250_000_000, fields.Amount!.Value.Units);
        Assert.Equal(new DateTime(2026, 1, 31, 6, 30, 0, DateTimeKind.Utc), fields.OccurredAt);
        Assert.Equal("k", fields.IdempotencyKey);
    }

    [Theory]
    [InlineData("""{"category_id":1,"amount":1}""", "user_id", "is required")]
    [InlineData("""{"user_id":null,"category_id":1,"amount":1}""", "user_id", "is required")]
    [InlineData("""{"user_id":"399","category_id":1,"amount":1}""", "user_id", "must be an integer")]
    [InlineData("""{"user_id":1.0,"category_id":1,"amount":1}""", "user_id", "must be an integer, written without decimals or exponent")]
    [InlineData("""{"user_id":0,"category_id":1,"amount":1}""", "user_id", "must be from 1 to 9223372036854775807")]
    [InlineData("""{"user_id":9223372036854775808,"category_id":1,"amount":1}""", "user_id", "must be from 1 to 9223372036854775807")]
    [InlineData("""{"user_id":1,"category_id":1,"amount":[1]}""", "amount", "must be a number, or a number in a string")]
    [InlineData("""{"user_id":1,"category_id":1,"amount":1.00001}""", "amount", "must have at most four decimals")]
    [InlineData("""{"user_id":1,"category_id":1,"amount":1,"amount":2}""", "amount", "is given twice")]
    [InlineData(
        """{"user_id":1,"category_id":1,"amount":1,"occurred_at":"yesterday"}""",
        "occurred_at",
        "must be an RFC 3339 date and time with offset, such as 2026-01-31T12:00:00Z")]
    [InlineData("""{"user_id":1,"category_id":1,"amount":1,"idempotency_key":""}""", "idempotency_key", "must have 1 to 255 characters")]
    [InlineData("""[1]""", "$", "must be an object")]
    public void Says_what_is_wrong(string json, string field, string message)
    {
        TransactionFields fields = Read(json);
        Assert.NotNull(fields.Errors);
        Assert.Equal([message], fields.Errors.Messages[field]);
    }

    [Fact]
    public void Any_object_of_any_values_is_read_or_refused_and_never_throws()
    {
        Gen<string> anyObject = Gen.Select(Gen.Int[0, s_names.Length - 1], s_jsonScalar, (name, value) => $"\"{s_names[name]}\":{value}")
            .List[0, 8].Select(members => "{" + string.Join(",", members) + "}");
        anyObject.Sample(json =>
        {
            TransactionFields fields = Read(json);
            bool complete = fields.UserId is not null && fields.CategoryId is not null && fields.Amount is not null;
            return fields.Errors is not null || complete;
        });
    }

    [Fact]
    public void Any_bytes_end_in_fields_or_in_one_of_two_exceptions() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        try
        {
            var reader = new Utf8JsonReader(bytes);
            reader.Read();
            TransactionFields.Read(ref reader);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The callers turn these exceptions into a 400 or into poison.
        }
    });

    private static TransactionFields Read(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
        reader.Read();
        return TransactionFields.Read(ref reader);
    }
}
