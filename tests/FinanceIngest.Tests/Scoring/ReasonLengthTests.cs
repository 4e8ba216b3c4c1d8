using System.Globalization;
using FinanceIngest.Ground;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Scoring;

/// <summary>What a message holds does not decide how long its record and the line of the log are.</summary>
public sealed class ReasonLengthTests
{
    [Fact]
    public async Task A_message_full_of_errors_has_a_short_reason()
    {
        using var system = new ScoringHarness();
        string text = $$"""{{{string.Join(',', Enumerable.Repeat("\"amount\":[]", 4000))}}, "user_id": 1, "category_id": 2}""";
        LeasedMessage sent = await system.Inbound.SendAsync(text, TimeSpan.Zero, default);

        await system.ProcessAsync();

        PoisonMessage record = Assert.Single(await system.PoisonStore.ListAsync(default));
        Assert.InRange(record.Reason.Length, 1, Delivery.LongestReason + 40);
        Assert.Equal(text, record.Body);
        TransactionResult failed = (await system.ResultAsync(system.Ids.ForMessage(system.Inbound.Name, sent.Id, 0)))!;
        Assert.InRange(failed.Error!.Length, 1, Delivery.LongestReason + 40);
    }

    [Fact]
    public async Task An_exception_is_cut_too()
    {
        using var system = new ScoringHarness();
        await system.SendAsync(system.Transaction(13));
        system.Store.BeforeWrite = batch =>
            batch.Results.Any(result => result.Status == TransactionStatus.Scored) ? new ArithmeticException(new string('x', 100_000)) : null;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            await system.ProcessAsync();
            system.Time.Advance(TimeSpan.FromMinutes(1));
        }

        PoisonMessage record = Assert.Single(await system.PoisonStore.ListAsync(default));
        Assert.InRange(record.Reason.Length, Delivery.LongestReason, Delivery.LongestReason + 40);
        Assert.InRange(record.Exception!.Length, 1000, FinanceIngest.Scoring.ScoringFailure.LongestException + 40);
    }

    [Theory]
    [InlineData("abc", 3, "abc")]
    [InlineData("abcd", 3, "abc… (4 characters)")]
    [InlineData("ab💸d", 3, "ab… (5 characters)")]
    public void A_text_is_cut_between_characters(string text, int maximum, string expected) =>
        Assert.Equal(expected, SafeText.Cut(text, maximum).ToString(CultureInfo.InvariantCulture));
}
