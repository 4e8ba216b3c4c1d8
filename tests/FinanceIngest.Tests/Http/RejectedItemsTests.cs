using System.Buffers;
using System.Text.Json;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Http;

/// <summary>The list of items that were not accepted is bounded, and what is left out of it can be told.</summary>
public sealed class RejectedItemsTests
{
    [Fact]
    public void Beyond_the_bound_invalid_items_are_counted_and_those_that_may_be_sent_again_are_all_listed()
    {
        var rejected = new RejectedItems();
        for (int index = 0; index < 10_000; index += 2)
        {
            rejected.Add(index, Errors("user_id", "category_id", "amount", "occurred_at"));
        }

        for (int index = 1; index < 10_000; index += 2)
        {
            rejected.AddRetryable(index);
        }

        JsonElement answer = Written(rejected, out int bytes);

        Assert.Equal(10_000, answer.GetProperty("rejected_count").GetInt32());
        JsonElement[] listed = [.. answer.GetProperty("rejected").EnumerateArray()];
        int[] indexes = [.. listed.Select(item => item.GetProperty("index").GetInt32())];
        Assert.Equal(indexes.Order(), indexes);
        Assert.Equal(5000, listed.Count(item => item.TryGetProperty("retryable", out _)));
        int named = listed.Length - 5000;
        Assert.InRange(named, 1000, 4999);
        Assert.Equal(Enumerable.Range(0, named).Select(i => 2 * i), indexes.Where(index => index % 2 == 0));
        Assert.InRange(bytes, 0, ApiResponse.MaximumList);
        Assert.InRange(rejected.HeldBytes, 0, 3 * RejectedItems.MaximumBytes);
    }

    [Fact]
    public void Within_the_bound_every_item_is_listed_and_nothing_is_counted_beside_them()
    {
        var rejected = new RejectedItems();
        rejected.Add(1, Errors("amount"));
        rejected.Add(4, Errors("$"));
        rejected.AddRetryable(0);
        rejected.AddRetryable(3);
        rejected.AddRetryable(9);

        Assert.Equal(
            """{"rejected":[{"index":0,"retryable":true},{"index":1,"errors":{"amount":["is wrong"]}},{"index":3,"retryable":true},"""
                + """{"index":4,"errors":{"$":["is wrong"]}},{"index":9,"retryable":true}]}""",
            Written(rejected, out _).GetRawText());
    }

    [Fact]
    public void An_answer_with_all_that_it_can_hold_stays_within_its_limit()
    {
        // The longest entry of an accepted item, as the endpoint writes it.
        int accepted = 10_000 * "{\"index\":9999,\"id\":\"01a204d7-059f-8d5a-a9c0-40695736d4e3\"},".Length;

        Assert.InRange(accepted + RejectedItems.MaximumBytes + 512, 0, ApiResponse.MaximumList);
    }

    [Fact]
    public void A_field_has_one_message_however_often_it_is_wrong()
    {
        var errors = new ValidationErrors();
        errors.Add("amount", "is wrong");
        errors.Add("amount", "is given twice");

        Assert.Equal("amount is wrong", errors.ToString());
    }

    [Fact]
    public void A_text_that_quotes_something_long_is_cut_between_characters()
    {
        string detail = new string('x', Problem.MaximumText - 1) + "💸" + new string('y', 100_000);
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            new Problem(500, "internal", "A title.", detail).Write(json);
        }

        string written = JsonDocument.Parse(buffer.WrittenMemory).RootElement.GetProperty("detail").GetString()!;
        Assert.Equal(new string('x', Problem.MaximumText - 1) + " …", written);
    }

    private static ValidationErrors Errors(params IEnumerable<string> fields)
    {
        var errors = new ValidationErrors();
        foreach (string field in fields)
        {
            errors.Add(field, "is wrong");
        }

        return errors;
    }

    private static JsonElement Written(RejectedItems rejected, out int bytes)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, ApiResponse.WriterOptions))
        {
            json.WriteStartObject();
            rejected.Write(json);
            json.WriteEndObject();
        }

        bytes = buffer.WrittenCount;
        return JsonDocument.Parse(buffer.WrittenMemory).RootElement;
    }
}
