using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Cli;

/// <summary>More poison messages than may be held at once.</summary>
public sealed class PoisonFloodTests : IDisposable
{
    // Each text has 65,000 characters, so that this many exceed the texts that a sweep holds.
    private const int Count = 300;
    private readonly ScoringHarness _system = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_sweep_holds_the_digests_of_all_messages_and_the_texts_of_few()
    {
        await FillAsync("{\"note\":\"x\"}");
        await using (PoisonQueueSweep none = await PoisonQueueSweep.TakeAsync(_system.Poison, (_, _) => false, Token))
        {
            Assert.Equal((Count, 0L), (none.Copies.Count, none.OutOfReach));
            Assert.All(none.Copies, copy => Assert.Throws<InvalidOperationException>(() => copy.Message.Text));
            Assert.False(await none.ContinueAsync(Token));
        }

        await using PoisonQueueSweep all = await PoisonQueueSweep.TakeAsync(_system.Poison, (_, _) => true, Token);
        int first = all.Copies.Count;
        Assert.InRange(first, 1, Count - 1);
        Assert.InRange(all.Copies.Sum(copy => (long)copy.Text!.Length), PoisonQueueSweep.MaximumTexts, PoisonQueueSweep.MaximumTexts + (33 * 65_000));
        Assert.True(await all.ContinueAsync(Token));
        Assert.Equal((Count, 0L), (all.Copies.Count, all.OutOfReach));
        Assert.Equal(Count - first, all.Copies.Count(copy => copy.Text is not null));
        Assert.False(await all.ContinueAsync(Token));
    }

    [Fact]
    public async Task Every_message_without_a_record_is_put_back()
    {
        await FillAsync("no JSON at all");

        PoisonOutcome outcome = await new PoisonOperations(_system.PoisonStore, _system.Queues, _system.Ids).RedriveAllAsync(Token);

        Assert.Equal((Count, 0L), (outcome.DoneWithoutRecord, outcome.OutOfReach));
        Assert.Equal(Count, (await _system.Inbound.GetDepthAsync(Token)).Length);
        Assert.Equal(0, (await _system.Poison.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task A_person_is_taken_out_of_every_message()
    {
        await FillAsync("[{\"user_id\":399},{\"user_id\":400}]");
        int calls = 0;

        PoisonErasureOutcome outcome = await new PoisonErasure(_system.PoisonStore, _system.Queues, _system.Ids).EraseAsync(
            399,
            _ =>
            {
                calls++;
                return Task.CompletedTask;
            },
            Token);

        Assert.Equal(0, outcome.OutOfReach);
        Assert.InRange(calls, 2, 5);
        await using PoisonQueueSweep left = await PoisonQueueSweep.TakeAsync(_system.Poison, (_, _) => true, Token);
        Assert.Equal(Count, left.Copies.Count);
        Assert.All(left.Copies, copy => Assert.False(Contains(copy.Text!, "\"user_id\":399") || !Contains(copy.Text!, "\"user_id\":400")));
    }

    public void Dispose() => _system.Dispose();

    private static bool Contains(string text, string part) =>
        MessageText.TryDecode(text, out byte[] json) && System.Text.Encoding.UTF8.GetString(json).Contains(part, StringComparison.Ordinal);

    private async Task FillAsync(string text)
    {
        for (int i = 0; i < Count; i++)
        {
            await _system.Poison.SendAsync(text.PadRight(65_000), TimeSpan.Zero, Token);
        }
    }
}
