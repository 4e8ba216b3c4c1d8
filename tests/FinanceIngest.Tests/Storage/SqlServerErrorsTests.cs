using System.ComponentModel;
using Azure.Identity;
using FinanceIngest.Storage.SqlServer;

namespace FinanceIngest.Tests.Storage;

public sealed class SqlServerErrorsTests
{
    [Theory]
    [InlineData(8152)]
    [InlineData(2628)]
    [InlineData(8115)]
    [InlineData(220)]
    [InlineData(547)]
    [InlineData(515)]
    [InlineData(245)]
    [InlineData(8114)]
    [InlineData(8023)]
    public void What_a_row_can_cause_is_no_outage(int number)
    {
        Assert.True(SqlServerErrors.IsData(number, severity: 16));
        Assert.False(SqlServerErrors.IsSettledByRepeating(number));
    }

    [Theory]
    [InlineData(40613, 17)] // a serverless database is resuming
    [InlineData(40197, 17)]
    [InlineData(40501, 20)]
    [InlineData(49918, 16)]
    [InlineData(49919, 16)]
    [InlineData(49920, 16)]
    [InlineData(10928, 16)]
    [InlineData(10929, 16)]
    [InlineData(10930, 16)]
    [InlineData(10936, 16)] // an elastic pool's limit of requests
    [InlineData(2601, 14)] // a unique key that stands in the way after all repeats: keys are the system's own
    [InlineData(2627, 14)]
    [InlineData(40143, 16)]
    [InlineData(40540, 16)]
    [InlineData(40544, 17)]
    [InlineData(40549, 16)]
    [InlineData(40550, 16)]
    [InlineData(40551, 16)]
    [InlineData(40552, 16)]
    [InlineData(40553, 16)]
    [InlineData(42108, 16)]
    [InlineData(42109, 16)]
    [InlineData(18401, 14)]
    [InlineData(615, 21)]
    [InlineData(926, 14)]
    [InlineData(4060, 11)]
    [InlineData(4221, 16)]
    [InlineData(10053, 20)]
    [InlineData(10054, 20)]
    [InlineData(10060, 20)]
    [InlineData(233, 20)]
    [InlineData(-2, 11)]
    [InlineData(64, 20)]
    [InlineData(18456, 14)]
    [InlineData(1205, 13)]
    [InlineData(1222, 16)]
    [InlineData(208, 16)] // a table is missing: the database is not migrated
    [InlineData(229, 14)] // the user lacks a permission
    [InlineData(3906, 16)] // the database is read-only
    [InlineData(9002, 17)] // the log is full
    [InlineData(1105, 17)] // the disk is full
    [InlineData(0, 11)]
    public void Anything_else_is(int number, byte severity) => Assert.False(SqlServerErrors.IsData(number, severity));

    [Fact]
    public void A_fatal_error_is_an_outage_whatever_its_number() => Assert.False(SqlServerErrors.IsData(8115, severity: 20));

    [Fact]
    public void Deadlocks_and_lost_races_for_a_key_are_settled_by_repeating()
    {
        int[] all = [.. Enumerable.Range(-10, 60_000).Where(SqlServerErrors.IsSettledByRepeating)];

        Assert.Equal([1205, 2601, 2627], all);
    }

    [Fact]
    public void Without_token_network_or_time_it_is_an_outage()
    {
        Assert.True(SqlServerErrors.IsOutage(new CredentialUnavailableException("none")));
        Assert.True(SqlServerErrors.IsOutage(new AggregateException(new AuthenticationFailedException("expired"))));
        Assert.True(SqlServerErrors.IsOutage(new IOException()));
        Assert.True(SqlServerErrors.IsOutage(new Win32Exception()));
        Assert.True(SqlServerErrors.IsOutage(new TimeoutException()));
        Assert.False(SqlServerErrors.IsOutage(new FormatException()));
        Assert.False(SqlServerErrors.IsOutage(new OperationCanceledException()));
    }
}
