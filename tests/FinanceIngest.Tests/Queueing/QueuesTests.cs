using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Queueing;

public sealed class QueuesTests
{
    [Theory]
    [InlineData("inbound", "poison", "alerts")]
    [InlineData("poison", "inbound", "alerts")]
    [InlineData("alerts", "inbound", "poison")]
    public async Task A_queue_that_can_not_be_created_keeps_no_other_from_it(string broken, string one, string two)
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, EmbeddedQueue.FileOf(broken)));
        using Queues queues = new(Create("inbound"), Create("poison"), Create("alerts"));

        QueueUnavailableException e =
            await Assert.ThrowsAsync<QueueUnavailableException>(() => queues.EnsureExistAsync(TestContext.Current.CancellationToken));

        Assert.Contains($"'{broken}'", e.Message, StringComparison.Ordinal);
        Assert.All([one, two], name => Assert.True(File.Exists(Path.Combine(folder.Path, EmbeddedQueue.FileOf(name))), name));

        EmbeddedQueue Create(string name) => new(folder.Path, name, TimeProvider.System, new DependencyStatus(name));
    }
}
