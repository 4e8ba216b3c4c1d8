using FinanceIngest.Replay;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Replay;

public sealed class TimeOrderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Theory]
    [InlineData(0, 10, 0)]
    [InlineData(7, 10, 0)]
    [InlineData(10, 10, 1)]
    [InlineData(3_333, 100, 34)]
    [InlineData(20, 1, 20)]
    public void Rows_come_in_the_order_in_which_they_occurred_however_few_fit_into_memory(int rows, int inMemory, int runs)
    {
        HistoryRow[] given = Rows(rows);
        new Random(5).Shuffle(given);
        using var order = new TimeOrder(inMemory, _folder.Path);
        foreach (HistoryRow row in given)
        {
            order.Add(row);
        }

        HistoryRow[] read = [.. order.Read()];

        Assert.Equal(given.OrderBy(row => row.OccurredAt).ThenBy(row => row.Id), read);
        Assert.Equal(runs, order.Runs);
        Assert.All(read, row => Assert.Equal(DateTimeKind.Utc, row.OccurredAt.Kind));
    }

    [Fact]
    public void The_temporary_file_is_its_owners_alone_and_goes()
    {
        using (var order = new TimeOrder(10, _folder.Path))
        {
            foreach (HistoryRow row in Rows(25))
            {
                order.Add(row);
            }

            string file = Assert.Single(Directory.GetFiles(_folder.Path));
            Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.Equal(25, order.Read().Count());
        }

        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    // Several rows of one time, negative amounts and the largest one are among them.
    private static HistoryRow[] Rows(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i => new HistoryRow(
            i, Guid.NewGuid(), long.MaxValue - i, i + 1, new Money(i % 3 == 0 ? -long.MaxValue + i : i).ToDecimal(), Sample.Noon.AddTicks(i / 3 * 10),
            i % 5 == 0)),
    ];
}
